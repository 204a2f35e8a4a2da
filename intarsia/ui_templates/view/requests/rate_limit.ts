/** Limits the polls of a View: at most 20 calls a minute, spread over it. Requests of the user count, and never wait. */

const MAX_CALLS_PER_MINUTE = 20;
/** So many calls may follow each other at once; the rest is spread over what is left of the minute. */
const MAX_BURST = 10;
const MINUTE_MS = 60_000;

/** When the last calls began, by `now()`. */
let callsAt: number[] = [];

/** Milliseconds of a clock that is never set back. */
export const now = (): number => performance.now();

/** Counts a call, whatever caused it. */
export function recordCall(): void {
  callsAt = [...callsAt, now()].slice(-MAX_CALLS_PER_MINUTE);
}

/**
 * When the next poll may begin.
 *
 * @param delayMs the least time since the last call
 */
export function nextCallAt(delayMs: number): number {
  const recent = callsAt.filter((at) => at > now() - MINUTE_MS);
  const [oldest, last] = [recent[0], recent.at(-1)];
  if (oldest === undefined || last === undefined) return 0;
  const end = oldest + MINUTE_MS;
  const left = MAX_CALLS_PER_MINUTE - recent.length;
  const spreadAt = recent.length < MAX_BURST ? 0 : last + (end - last) / (left + 1);
  return Math.max(last + delayMs, spreadAt);
}
