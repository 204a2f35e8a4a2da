/** Runs one request at a time: requests of the user queue, and a poll gives way to them. */

/** `action` changes something; `read` is the user's request for another view, of which the last wins; `poll` is a refresh. */
export type Priority = "action" | "read" | "poll";

interface Entry {
  readonly priority: Priority;
  readonly controller: AbortController;
}

const entries = new Set<Entry>();
let last: Promise<unknown> = Promise.resolve();

/** Whether a request of the user is waiting or in flight. */
export function hasUserRequest(): boolean {
  return [...entries].some(({ priority }) => priority !== "poll");
}

function cancelFor(priority: Priority): void {
  for (const entry of entries) {
    if (entry.priority === "poll" || (entry.priority === "read" && priority === "read")) entry.controller.abort();
  }
}

/** Cancels polls: a browser has six connections to a host, and a poll that waits takes one. */
export function cancelPolls(): void {
  cancelFor("poll");
}

/**
 * Runs the work when everything before it is done.
 *
 * @throws DOMException an `AbortError` when a request of higher priority took its place
 */
export function run<T>(priority: Priority, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  if (priority !== "poll") cancelFor(priority);
  const entry: Entry = { priority, controller: new AbortController() };
  entries.add(entry);
  const { signal } = entry.controller;
  const outcome = last.then(() => {
    signal.throwIfAborted();
    return work(signal);
  });
  last = outcome.catch(() => undefined).finally(() => entries.delete(entry));
  return outcome;
}

/** Cancels everything: the View is closing. */
export function cancelAll(): void {
  for (const { controller } of entries) controller.abort();
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
