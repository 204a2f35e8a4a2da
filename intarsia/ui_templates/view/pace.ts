/** How often the View may call: evenly, never more than a host bears, and seldom where nobody answers. */

/** At most so many calls a minute, however often something changes. */
const MAX_CALLS = 20;
/** So many of them may follow each other at once; those that are left are spread over the minute. */
const FREE_CALLS = 10;
const MINUTE_MS = 60_000;
/** No element is read again sooner than this. */
export const MIN_MS = 3_000;
/** What fails is tried again as seldom as this at most. */
export const MAX_MS = 5 * MINUTE_MS;
/** A server that could not be reached is back any moment. */
const MAX_OFFLINE_MS = 20_000;
/** After so many it is tried again as seldom as it ever is. */
const MAX_FAILURES = 7;
/** Those who were told of one change together do not come back together. */
const JITTER_MS = 250;

/** When the last calls began, by `now()`. */
let callsAt: number[] = [];
let failures = 0;
let longestMs = MAX_MS;

/** Milliseconds that only grow: somebody may set the clock. */
export const now = (): number => performance.now();

/** A call begins, whoever wanted it. */
export function noteCall(): void {
  callsAt = [...callsAt, now()].slice(-MAX_CALLS);
}

/** What refreshes by itself was answered, or not. A host that refuses, or lets people refuse, is not asked all the time. */
export function noteAnswer(kind: string | null): void {
  if (kind === null) failures = 0;
  else failures = kind === "refused" ? MAX_FAILURES : Math.min(failures + 1, MAX_FAILURES);
  longestMs = kind === "offline" ? MAX_OFFLINE_MS : MAX_MS;
}

/** What failed is tried again after twice the time, and twice that. */
export function slower(wanted: number): number {
  return Math.min(wanted * 2 ** failures, Math.max(wanted, longestMs));
}

/** When the next call that no person asked for may begin. */
export function nextTurn(): number {
  const recent = callsAt.filter((at) => at > now() - MINUTE_MS);
  const [oldest, last] = [recent[0], recent.at(-1)];
  if (oldest === undefined || last === undefined) return 0;
  const end = oldest + MINUTE_MS;
  const retryAt = failures ? last + slower(MIN_MS) : 0;
  const left = MAX_CALLS - recent.length;
  const spreadAt = recent.length < FREE_CALLS ? 0 : last + (end - last) / (left + 1);
  return Math.max(retryAt, spreadAt);
}

/** A little later, and more so after a failure: when a server is back, not everybody comes at once. */
export function jitter(): number {
  return Math.random() * JITTER_MS * (1 + failures);
}
