/** Tells the model, silently and at most once in a while, what is on screen and what the person did. */

import { type HostCapabilities, request } from "./bridge";
import { shownWidget } from "./parts";

const SETTLE_MS = 700;
const REMEMBERED = 8;

let sentences: string[] = [];
let timer: number | undefined;
let isWelcome = false;

/** Looks whether the host takes such updates as text. */
export function allowModelContext({ updateModelContext }: HostCapabilities): void {
  isWelcome = Boolean(updateModelContext && ("text" in updateModelContext || !Object.keys(updateModelContext).length));
}

/** Notes what the person did, as the sentence that the server answered with; without one, that the view changed. */
export function noteDoing(sentence?: string): void {
  if (sentence) sentences = [...sentences, sentence].slice(-REMEMBERED);
  if (!isWelcome) return;
  clearTimeout(timer);
  timer = window.setTimeout(tellModel, SETTLE_MS);
}

/** Each update takes the place of the one before, so it says everything. */
function tellModel(): void {
  const widget = shownWidget();
  if (!widget) return;
  const lines = [`The person looks at ${widget.tool} ${JSON.stringify(widget.arguments)}.`];
  if (sentences.length) lines.push("What they did in it, oldest first:", ...sentences.map((each) => `- ${each}`));
  const content = [{ type: "text", text: lines.join("\n") }];
  request("ui/update-model-context", { content }).catch(() => undefined); // the model then only knows less
}
