/**
 * The first widget: the result that the host pushes, or, when the host removed parts of it or pushes nothing, the same
 * tool called again. Later results never replace a widget by another.
 */

import { shownWidget } from "../dom/apply_update";
import { showUpdate } from "../dom/root";
import { onNotification } from "../host/bridge";
import { canCallTools } from "../host/capabilities";
import {
  type Arguments,
  type BoundCall,
  boundCall,
  isRecord,
  isSameCall,
  parseResponse,
  readAtOf,
  referenceIn,
  type ToolResponse,
  type WidgetUpdate,
  withoutReference,
} from "../messages";
import { cancelPolls } from "../requests/queue";
import { readWidget } from "../requests/read_widget";
import { storeHandle } from "../requests/tool_call";
import { showPlainText, showSkeleton, showState } from "../ui/status_bar";
import { callsOf, toolCalls } from "./announced_tool";
import { readOrExplain, reportCached, reportFailure, reportPushed, reportStale, showFailure } from "./poller";

/** A result that is older was kept by the host: a chat was opened again, or the View was recreated. */
const MAX_FRESH_MS = 2_000;
/** How long the host may take from one message to the next, until the View helps itself. */
const MAX_SILENCE_MS = 5_000;

let inputArguments: Arguments = {};
let deadline: number | undefined;
/** The widget that was shown last, whatever is in its place by now. */
let opened: BoundCall | null = null;
/** The tool that the first result names, while there is no widget of it yet. */
let expectedTool: string | undefined;
let readingAgain: Promise<void> | null = null;
/** The last result of another call since the widget was read. */
let foreign: ToolResponse | null = null;

const hasEntries = (value: Arguments): boolean => Object.keys(value).length > 0;

/** The calls that a result names, from whatever the host left of it. The names that the connector wrote come first. */
function callsNamedBy({ raw, text }: ToolResponse): readonly BoundCall[] {
  const named = [boundCall(raw.structuredContent), referenceIn(text)].filter((each) => each !== null);
  const sources = [inputArguments, ...named.map((each) => each.arguments)];
  return callsOf(named.map(({ tool }) => tool), sources.find(hasEntries) ?? {});
}

/** Takes a pushed result: the first one, or another one of the same call. */
async function takePushed(result: Record<string, unknown>): Promise<void> {
  const pushed = parseResponse(result);
  if (isForeign(pushed)) return readAgain(pushed);
  stopWaiting();
  storeHandle(result);
  reportPushed();
  if (!pushed.outcome.ok) return showState(pushed.outcome.kind, pushed.outcome.message);
  if (pushed.update && showUpdate(pushed.update, null) !== "needs_full_read") return readAgainIfCached(pushed.update);
  if (shownWidget()) return readAgain(pushed);
  expectedTool = namedBy(pushed)?.tool;
  const calls = callsNamedBy(pushed);
  if (calls.length && canCallTools()) return readOrExplain(calls, withoutReference(pushed.text));
  if (pushed.text) showPlainText(withoutReference(pushed.text));
  else showState("failed", "The host app sent nothing that can be shown.");
}

const namedBy = ({ update, raw, text }: ToolResponse): BoundCall | null =>
  update ?? boundCall(raw.structuredContent) ?? referenceIn(text);

/** Whether a result is of another call than the one that this View is of: another widget, plain text, any refusal. */
function isForeign(pushed: ToolResponse): boolean {
  if (!opened && expectedTool === undefined) return false;
  const named = pushed.outcome.ok ? namedBy(pushed) : null;
  if (!named) return true;
  return opened ? !isSameCall(named, opened) : named.tool !== expectedTool;
}

/** The model called something: what is shown may have changed. One read is enough for all that is pushed until it begins. */
async function readAgain(pushed: ToolResponse): Promise<void> {
  foreign = pushed;
  readingAgain ??= readWhileForeign().finally(() => (readingAgain = null));
  await readingAgain;
}

async function readWhileForeign(): Promise<void> {
  while (foreign) {
    const { outcome } = foreign;
    foreign = null;
    const widget = shownWidget() ?? opened;
    if (!widget || !canCallTools()) return;
    cancelPolls(); // a poll may wait for long
    const response = await readTwiceIfLost(widget);
    if (!response || response.outcome.ok || !shownWidget()) continue;
    // A host that withdraws a widget pushes a reason, and lets it be read no more.
    const isWithdrawn = !outcome.ok && response.outcome.kind === "refused";
    if (isWithdrawn) showFailure(outcome.kind, outcome.message, [widget]);
    else reportFailure(widget, response, []);
  }
}

/** A host that withdraws a widget closes its connection: what is in flight then gets lost, and only the next is refused. */
async function readTwiceIfLost(widget: BoundCall): Promise<ToolResponse | null> {
  const response = await readWidget(widget, "poll");
  return response?.isLost ? readWidget(widget, "poll") : response;
}

/**
 * Shows at once what the host had kept, and reads it again, because it may be out of date.
 *
 * A revision that lies in the future, by a browser whose clock is behind, says as little about the age, so it is read
 * again too. A wrong clock costs one small read.
 */
async function readAgainIfCached({ tool, arguments: args, revision }: WidgetUpdate): Promise<void> {
  const readAt = readAtOf(revision);
  if (Math.abs(Date.now() - readAt) < MAX_FRESH_MS) return;
  reportCached(readAt);
  if (!canCallTools()) return;
  const response = await readWidget({ tool, arguments: args }, "poll");
  if (response && !response.outcome.ok) reportStale(response.outcome.message);
}

/** Waits for the next message of the host, as long as nothing is shown. */
function awaitHost(): void {
  stopWaiting();
  deadline = window.setTimeout(() => void helpItself(), MAX_SILENCE_MS);
}

/** Ends the wait: something came, or the View is closing. */
export function stopWaiting(): void {
  clearTimeout(deadline);
  deadline = undefined;
}

/** The host pushed no result: calls the widget's tool, where all of its arguments are known, or says so. */
async function helpItself(): Promise<void> {
  stopWaiting();
  if (opened || shownWidget()) return;
  const calls = toolCalls(inputArguments);
  if (calls.length && canCallTools()) return readOrExplain(calls, "");
  const retry = { label: "Try again", run: startWaiting };
  if (canCallTools()) showState("nothing", "The host app sent no result, and not what is needed to ask for one.", retry);
  else showState("nothing", "The host app sent no result, and lets widgets ask for none. Ask for it again in the chat.");
}

/** Shows a skeleton until the host pushes a result, or has been silent for too long. */
export function startWaiting(): void {
  if (opened || shownWidget()) return;
  showSkeleton();
  awaitHost();
}

/** Notes the widget that is shown: from then on, this View is of that one, whatever the host pushes. */
export function noteWidget(): void {
  const widget = shownWidget();
  if (!widget) return;
  stopWaiting();
  opened = { tool: widget.tool, arguments: widget.arguments };
}

/** Listens for what the host pushes. Call it before the handshake: the host sends it once. */
export function listenToResults(): void {
  onNotification("ui/notifications/tool-input-partial", () => void (deadline !== undefined && awaitHost()));
  onNotification("ui/notifications/tool-input", (params) => {
    if (opened) return; // the input of another call
    inputArguments = isRecord(params.arguments) ? params.arguments : {};
    startWaiting();
  });
  onNotification("ui/notifications/tool-result", (result) => void takePushed(result));
  onNotification("ui/notifications/tool-cancelled", () => {
    if (opened) return;
    stopWaiting();
    showState("cancelled", "The call was canceled before it returned a result.");
  });
}
