/** Values of a design panel that are not saved yet, kept on the server: late, coalesced, the last one wins. */

import { ask } from "./calls";
import { shownWidget } from "./parts";
import { showProblem } from "./shell";
import type { Arguments } from "./wire";

const SETTLE_MS = 400;
const TOOL = "intarsia_draft";

let waiting: Arguments | null = null;
let timer: number | undefined;
let sending: Promise<void> = Promise.resolve();

/** Stores the values of the widget that is shown soon; `null` forgets what is stored. */
export function keepDraft(values: Arguments | null): void {
  const widget = shownWidget();
  if (!widget) return;
  waiting = { tool: widget.tool, arguments: widget.arguments, values };
  clearTimeout(timer);
  timer = window.setTimeout(() => void flushDraft(), SETTLE_MS);
}

/** Sends what waits, now. Resolves when nothing is on its way, so that a save cannot be overtaken by a draft. */
export function flushDraft(): Promise<void> {
  clearTimeout(timer);
  sending = sending.then(sendWaiting);
  return sending;
}

async function sendWaiting(): Promise<void> {
  const draft = waiting;
  if (!draft) return;
  waiting = null;
  const { outcome } = await ask(TOOL, draft, {});
  if (!outcome.ok) showProblem("The draft could not be kept. It is tried again with the next change.");
}
