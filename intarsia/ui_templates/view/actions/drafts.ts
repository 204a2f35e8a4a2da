/** Stores unsaved values of a design panel on the server: delayed, coalesced, the last ones win. */

import { shownWidget } from "../dom/apply_update";
import { canCallTools } from "../host/capabilities";
import type { Arguments } from "../messages";
import { callTool } from "../requests/tool_call";
import { showProblem } from "../ui/status_bar";

const DELAY_MS = 400;
const TOOL = "intarsia_draft";

let waiting: Arguments | null = null;
let timer: number | undefined;
let sending: Promise<void> = Promise.resolve();

/** Stores values of the widget that is shown, soon; `null` deletes what is stored. */
export function saveDraft(values: Arguments | null): void {
  const widget = shownWidget();
  if (!widget || !canCallTools()) return;
  waiting = { tool: widget.tool, arguments: widget.arguments, values };
  clearTimeout(timer);
  timer = window.setTimeout(() => void flushDraft(), DELAY_MS);
}

/** Sends what waits, now. Resolves when nothing is in flight, so that a draft cannot overtake the save after it. */
export function flushDraft(): Promise<void> {
  clearTimeout(timer);
  sending = sending.then(sendWaiting);
  return sending;
}

async function sendWaiting(): Promise<void> {
  const draft = waiting;
  if (!draft) return;
  waiting = null;
  const { outcome } = await callTool(TOOL, draft, {});
  if (!outcome.ok) showProblem("Couldn't save the draft. It will be saved with your next change.");
}
