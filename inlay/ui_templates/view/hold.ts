/** Keeps answers out of the document while a person is in the middle of a gesture. */

let holds = 0;
const waiting = new Set<() => void>();

export function isHeld(): boolean {
  return holds > 0;
}

/** Holds until the returned function is called; a second call of it does nothing. */
export function hold(): () => void {
  let open = true;
  holds += 1;
  return () => {
    if (!open) return;
    open = false;
    holds -= 1;
    if (holds > 0) return;
    for (const proceed of [...waiting]) proceed();
  };
}

/** Resolves when nothing is held, at once or later. Rejects with an `AbortError` when no longer wanted. */
export function untilReleased(signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      waiting.delete(proceed);
      reject(new DOMException("Aborted", "AbortError"));
    };
    const proceed = (): void => {
      waiting.delete(proceed);
      signal.removeEventListener("abort", abort);
      resolve();
    };
    if (signal.aborted) return abort();
    if (!isHeld()) return resolve();
    waiting.add(proceed);
    signal.addEventListener("abort", abort, { once: true });
  });
}
