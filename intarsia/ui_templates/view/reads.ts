/** Reading widgets: under a tool's own name, as the difference to what is shown, and whole when that does not fit. */

import type { Outcome } from "./behavior";
import { ask } from "./calls";
import { untilReleased } from "./hold";
import { isAbort, takeTurn, type Urgency } from "./lane";
import { currentGeneration, noteUnchanged, seenNow, shownWidget } from "./parts";
import { showAnswer } from "./stage";
import type { Answer, Arguments, BoundCall, Seen } from "./wire";

/** A read that something newer took the place of. */
export const REPLACED: Outcome = { ok: false, kind: "failed", message: "A newer request took its place." };

/**
 * Reads a widget and shows it, within a turn that the caller has.
 *
 * @param tiles only these tiles are run again
 * @returns the outcome; not ok when no widget came
 */
export async function readNow(widget: BoundCall, signal: AbortSignal, tiles?: readonly string[]): Promise<Answer> {
  const seen = seenNow(tiles);
  const base = seen ? currentGeneration() : null;
  const answer = await ask(widget.tool, widget.arguments, { seen }, signal);
  await untilReleased(signal);
  if (!answer.parts) return answer.outcome.ok ? withoutWidget(answer) : answer;
  if (showAnswer(answer.parts, base) !== "unfit") return answer;
  return readWhole(widget, signal);
}

async function readWhole(widget: BoundCall, signal: AbortSignal): Promise<Answer> {
  const answer = await ask(widget.tool, widget.arguments, {}, signal);
  await untilReleased(signal);
  if (!answer.outcome.ok) return answer;
  if (answer.parts && showAnswer(answer.parts, null) !== "unfit") return answer;
  return withoutWidget(answer);
}

/** What an admin turned off while it was shown: it is asked for until it is back. */
let awaited: Seen | null = null;

/** Goes on asking for a widget that is not shown any more; null when it is back. */
export function keepAsking(widget: BoundCall | null): void {
  awaited = widget && { ...widget, frame: "", parts: {}, lists: {}, revision: 0 };
}

/** The widget that is shown, or would be. */
export function wantedWidget(): BoundCall | null {
  return shownWidget() ?? awaited;
}

/** Asks the connector for what changed of the widget that is shown, within a turn that the caller has. */
async function followNow(widget: BoundCall, signal: AbortSignal, how: Arguments, tiles?: readonly string[]): Promise<Answer> {
  const base = currentGeneration();
  const answer = await ask("intarsia_view", how, { seen: seenNow(tiles) ?? awaited }, signal);
  await untilReleased(signal);
  if (answer.unchanged && base === currentGeneration()) noteUnchanged(answer.unchanged.revision);
  else if (answer.parts && showAnswer(answer.parts, base) !== "unfit") return answer;
  // Its handle is too old, or another person's by now: reading under the tool's own name brings a new one.
  else if (answer.outcome.ok || answer.outcome.kind === "unknown_tool") return readWhole(widget, signal);
  return answer;
}

function withoutWidget(answer: Answer): Answer {
  return { ...answer, outcome: { ok: false, kind: "failed", message: "The answer holds no widget." } };
}

/** Reads a widget in its turn. Resolves to null when something newer took its place. */
export function read(widget: BoundCall, urgency: Urgency, tiles?: readonly string[]): Promise<Answer | null> {
  return inTurn(urgency, (signal) => readNow(widget, signal, tiles));
}

/** Reads what is shown, once everything that people asked for before is done. Resolves to null when they asked for more. */
export function readShown(): Promise<Answer | null> {
  return inTurn("poll", async (signal) => {
    const widget = shownWidget();
    return widget && readNow(widget, signal);
  });
}

async function inTurn(urgency: Urgency, work: (signal: AbortSignal) => Promise<Answer | null>): Promise<Answer | null> {
  try {
    return await takeTurn(urgency, work);
  } catch (error) {
    if (isAbort(error)) return null;
    throw error;
  }
}

/**
 * Follows what is shown, in its turn. Resolves to null when something newer took its place.
 *
 * @param seconds how long the connector may wait for a change
 */
export function follow(widget: BoundCall, seconds: number, tiles?: readonly string[]): Promise<Answer | null> {
  return inTurn("poll", (signal) => followNow(widget, signal, { wait_seconds: seconds }, tiles));
}

/** Reads what is shown as if it had been opened just now, so that every other View of it is an older one. */
export function takeOver(widget: BoundCall): Promise<Answer | null> {
  return inTurn("read", (signal) => followNow(widget, signal, { take_over: true }));
}

/** The arguments that the person wants, while an answer for them is on its way. */
let wanted: Arguments | null = null;

/**
 * Calls the widget's own tool with one argument changed and the others kept.
 *
 * @param value `""`, null or undefined takes the argument away, so that the tool's default holds
 */
export async function filter(name: string, value: unknown): Promise<Outcome> {
  const widget = shownWidget();
  if (!widget) return REPLACED;
  const { [name]: _before, ...others } = wanted ?? widget.arguments;
  const isGone = value === "" || value === null || value === undefined;
  const mine: Arguments = isGone ? others : { ...others, [name]: value };
  wanted = mine;
  const answer = await read({ tool: widget.tool, arguments: mine }, "read");
  if (wanted === mine) wanted = null;
  return answer?.outcome ?? REPLACED;
}
