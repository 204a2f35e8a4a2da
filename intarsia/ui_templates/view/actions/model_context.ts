/** Tells the model what is on the screen and what the user did: silently, and once after a series of actions. */

import { shownWidget } from "../dom/apply_update";
import { request } from "../host/bridge";
import { contextForm } from "../host/capabilities";
import type { Arguments } from "../messages";

const DELAY_MS = 700;
const MAX_SENTENCES = 8;

let sentences: string[] = [];
let timer: number | undefined;

/** Reports an action of the user by the message of its response; without one, that another view is shown. */
export function reportAction(sentence?: string): void {
  if (sentence) sentences = [...sentences, sentence].slice(-MAX_SENTENCES);
  if (!contextForm()) return;
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
  const { tool, arguments: args } = widget;
  const params = contextForm() === "text" ? { content: [asText(tool, args)] } : { structuredContent: asStructure(tool, args) };
  request("ui/update-model-context", params).catch(() => undefined); // the model only knows less
}

function asText(tool: string, args: Arguments): { type: "text"; text: string } {
  const lines = [`The user is looking at ${tool} ${JSON.stringify(args)}.`];
  if (sentences.length) lines.push("What the user did there, oldest first:", ...sentences.map((each) => `- ${quoted(each)}`));
  return { type: "text", text: lines.join("\n") };
}

/** For hosts that take no text: VS Code. */
function asStructure(tool: string, args: Arguments): Arguments {
  return { user_is_looking_at: { tool, arguments: args }, user_did_oldest_first: [...sentences] };
}
