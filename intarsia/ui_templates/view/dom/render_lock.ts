/** Keeps updates out of the document during a gesture of the user. */

let holds = 0;
const waiting: (() => void)[] = [];

export function isHeld(): boolean {
  return holds > 0;
}

/** Holds updates until the returned function is called; calling it again does nothing. */
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

/** Resolves when nothing is held. Rejects with an `AbortError` when the request was canceled by then. */
export async function untilReleased(signal: AbortSignal): Promise<void> {
  if (isHeld()) await new Promise<void>((proceed) => waiting.push(proceed));
  signal.throwIfAborted();
}
