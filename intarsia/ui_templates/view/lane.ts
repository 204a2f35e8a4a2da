/** One request that carries parts at a time: people's wishes queue, and a waiting refresh makes way for them. */

/** `action` changes something; `read` is a person's wish for another view, of which the last wins; `poll` refreshes by itself. */
export type Urgency = "action" | "read" | "poll";

interface Turn {
  readonly urgency: Urgency;
  readonly controller: AbortController;
}

const turns = new Set<Turn>();
let last: Promise<unknown> = Promise.resolve();

/** Whether a person waits for something. */
export function isBusy(): boolean {
  return [...turns].some(({ urgency }) => urgency !== "poll");
}

function makeWay(urgency: Urgency): void {
  for (const turn of turns) {
    if (turn.urgency === "poll" || (turn.urgency === "read" && urgency === "read")) turn.controller.abort();
  }
}

/** Nobody looks any more: what refreshes by itself gives its connection back, of which a browser has six. */
export function abandonPolls(): void {
  makeWay("poll");
}

/**
 * Runs the work when everything before it is done.
 *
 * @throws DOMException an `AbortError` when something more urgent took its place
 */
export function takeTurn<T>(urgency: Urgency, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  if (urgency !== "poll") makeWay(urgency);
  const turn: Turn = { urgency, controller: new AbortController() };
  turns.add(turn);
  const { signal } = turn.controller;
  const outcome = last.then(() => {
    signal.throwIfAborted();
    return work(signal);
  });
  last = outcome.catch(() => undefined).finally(() => turns.delete(turn));
  return outcome;
}

/** The View is closing. */
export function abandonAll(): void {
  for (const { controller } of turns) controller.abort();
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
