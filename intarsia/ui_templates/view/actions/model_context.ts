/** Tells the model what is on the screen and what the user did: silently, and once after a series of actions. */

import { shownWidget } from "../dom/apply_update";
import { type HostCapabilities, request } from "../host/bridge";

const DELAY_MS = 700;
const MAX_SENTENCES = 8;

let sentences: string[] = [];
let timer: number | undefined;
let isEnabled = false;

/** Notes whether the host takes such updates as text. */
export function enableModelContext({ updateModelContext }: HostCapabilities): void {
  isEnabled = Boolean(updateModelContext && ("text" in updateModelContext || !Object.keys(updateModelContext).length));
}

/** Reports an action of the user by the message of its response; without one, that another view is shown. */
export function reportAction(sentence?: string): void {
  if (sentence) sentences = [...sentences, sentence].slice(-MAX_SENTENCES);
  if (!isEnabled) return;
  clearTimeout(timer);
  timer = window.setTimeout(updateModel, DELAY_MS);
}

/** A message may hold text of other users: in quotes and on one line it cannot pass for a line of ours. */
function quoted(sentence: string): string {
  return JSON.stringify(sentence.replace(/[\s\p{Cc}\p{Cf}]+/gu, " ").trim());
}

/** Each update replaces the one before, so it contains everything. */
function updateModel(): void {
  const widget = shownWidget();
  if (!widget) return;
  const lines = [`The user is looking at ${widget.tool} ${JSON.stringify(widget.arguments)}.`];
  if (sentences.length) lines.push("What the user did there, oldest first:", ...sentences.map((each) => `- ${quoted(each)}`));
  const content = [{ type: "text", text: lines.join("\n") }];
  request("ui/update-model-context", { content }).catch(() => undefined); // the model only knows less
}
