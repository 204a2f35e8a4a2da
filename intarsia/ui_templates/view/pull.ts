/** The first widget: what the host pushes, or, when that lost its parts on the way, the same tool called again. */

import { onNotification, type HostCapabilities } from "./bridge";
import { noteHandle } from "./calls";
import { argumentsIn } from "./fields";
import { noteKept, noteOpened, noteStale, readOrSay } from "./live";
import { read } from "./reads";
import { showPlainText, showSkeleton, showState } from "./shell";
import { showAnswer } from "./stage";
import { hostContext } from "./theme";
import { type Answer, type Arguments, type BoundCall, boundCall, isRecord, type PartsAnswer, readAnswer } from "./wire";

/** The last line of a text form: which tool, with which arguments. It may be read, and proves nothing. */
const REFERENCE = /(?:^|\n)View: `+([\w.\-/]{1,128}) (\{.*\})`+\s*$/;

/** A result that took longer than this to get here was kept by the host: a chat was opened again, or the View made anew. */
const KEPT_MS = 2_000;

let given: Arguments = {};
let canCall = false;

const hasEntries = (value: Arguments): boolean => Object.keys(value).length > 0;

/** Which tool made a result, and with which arguments, from whatever the host left of it. */
function findWidget({ raw, text }: Answer): BoundCall | null {
  const structured = boundCall(raw.structuredContent);
  const [, referredTool, referredJson] = REFERENCE.exec(text) ?? [];
  const tool = hostContext().toolInfo?.tool.name ?? structured?.tool ?? referredTool;
  if (!tool) return null;
  const sources = [given, structured?.arguments ?? {}, argumentsIn(referredJson)];
  return { tool, arguments: sources.find(hasEntries) ?? {} };
}

/** A pushed result takes the place of whatever is shown: the model ran the tool again. */
async function showPushed(result: Record<string, unknown>): Promise<void> {
  const pushed = readAnswer(result);
  noteHandle(result);
  noteOpened();
  if (!pushed.outcome.ok) return showState(pushed.outcome.kind, pushed.outcome.message);
  if (pushed.parts && showAnswer(pushed.parts, null) !== "unfit") return readAgainIfKept(pushed.parts);
  const widget = findWidget(pushed);
  if (widget && canCall) return readOrSay(widget, withoutReference(pushed.text));
  if (pushed.text) showPlainText(withoutReference(pushed.text));
  else showState("failed", "The host passed nothing on that could be shown.");
}

/** What a host kept may be long out of date, so it is shown at once and read again. A wrong clock costs one small read. */
async function readAgainIfKept({ tool, arguments: args, revision }: PartsAnswer): Promise<void> {
  if (Date.now() - revision / 1_000 < KEPT_MS) return;
  noteKept(revision / 1_000);
  if (!canCall) return;
  const answer = await read({ tool, arguments: args }, "poll");
  if (answer && !answer.outcome.ok) noteStale(answer.outcome.message);
}

function withoutReference(text: string): string {
  return text.replace(REFERENCE, "").trim();
}

/** Listens for what the host pushes. Call it before the handshake: the host sends it once. */
export function listenToResults(): void {
  onNotification("ui/notifications/tool-input", (params) => {
    given = isRecord(params.arguments) ? params.arguments : {};
    showSkeleton();
  });
  onNotification("ui/notifications/tool-result", (result) => void showPushed(result));
  onNotification("ui/notifications/tool-cancelled", () => {
    showState("cancelled", "The call was cancelled before it had a result.");
  });
}

/** Notes whether the host lets the View call tools. */
export function allowPull({ serverTools }: HostCapabilities): void {
  canCall = Boolean(serverTools);
}
