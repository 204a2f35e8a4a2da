/** Keeps answers out of the document while a person is in the middle of a gesture. */

let holds = 0;
const waiting: (() => void)[] = [];

export function isHeld(): boolean {
  return holds > 0;
}

/** Holds until the returned function is called; a second call of it does nothing. */
export function hold(): () => void {
  let isOpen = true;
  holds += 1;
  return () => {
    if (!isOpen) return;
    isOpen = false;
    holds -= 1;
    if (!holds) for (const proceed of waiting.splice(0)) proceed();
  };
}

/** Resolves when nothing is held, at once or later. Rejects with an `AbortError` when no longer wanted by then. */
export async function untilReleased(signal: AbortSignal): Promise<void> {
  if (isHeld()) await new Promise<void>((proceed) => waiting.push(proceed));
  signal.throwIfAborted();
}
