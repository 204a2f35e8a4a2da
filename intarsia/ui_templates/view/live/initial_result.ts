/** The first widget: the result that the host pushes, or, when the host removed parts of it, the same tool called again. */

import { showUpdate } from "../dom/root";
import { type HostCapabilities, onNotification } from "../host/bridge";
import { hostContext } from "../host/theme";
import {
  type Arguments,
  type BoundCall,
  boundCall,
  isRecord,
  parseArguments,
  parseResponse,
  readAtOf,
  type ToolResponse,
  type WidgetUpdate,
} from "../messages";
import { readWidget } from "../requests/read_widget";
import { storeHandle } from "../requests/tool_call";
import { showPlainText, showSkeleton, showState } from "../ui/status_bar";
import { readOrExplain, reportCached, reportPushed, reportStale } from "./poller";

/** The last line of a text form: a tool and its arguments. It only helps to read again, and grants nothing. */
const REFERENCE = /(?:^|\n)View: `+([\w.\-/]{1,128}) (\{.*\})`+\s*$/;

/** A result that is older was kept by the host: a chat was opened again, or the View was recreated. */
const MAX_FRESH_MS = 2_000;

let inputArguments: Arguments = {};
let canCallTools = false;

const hasEntries = (value: Arguments): boolean => Object.keys(value).length > 0;

/** The tool and the arguments of a result, from whatever the host left of it. */
function findWidget({ raw, text }: ToolResponse): BoundCall | null {
  const structured = boundCall(raw.structuredContent);
  const [, referredTool, referredJson] = REFERENCE.exec(text) ?? [];
  const tool = hostContext().toolInfo?.tool.name ?? structured?.tool ?? referredTool;
  if (!tool) return null;
  const sources = [inputArguments, structured?.arguments ?? {}, parseArguments(referredJson)];
  return { tool, arguments: sources.find(hasEntries) ?? {} };
}

/** A pushed result replaces whatever is shown: the model ran the tool again. */
async function showPushed(result: Record<string, unknown>): Promise<void> {
  const pushed = parseResponse(result);
  storeHandle(result);
  reportPushed();
  if (!pushed.outcome.ok) return showState(pushed.outcome.kind, pushed.outcome.message);
  if (pushed.update && showUpdate(pushed.update, null) !== "needs_full_read") return readAgainIfCached(pushed.update);
  const widget = findWidget(pushed);
  if (widget && canCallTools) return readOrExplain(widget, withoutReference(pushed.text));
  if (pushed.text) showPlainText(withoutReference(pushed.text));
  else showState("failed", "The host app sent nothing that can be shown.");
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
  if (!canCallTools) return;
  const response = await readWidget({ tool, arguments: args }, "poll");
  if (response && !response.outcome.ok) reportStale(response.outcome.message);
}

function withoutReference(text: string): string {
  return text.replace(REFERENCE, "").trim();
}

/** Listens for what the host pushes. Call it before the handshake: the host sends it once. */
export function listenToResults(): void {
  onNotification("ui/notifications/tool-input", (params) => {
    inputArguments = isRecord(params.arguments) ? params.arguments : {};
    showSkeleton();
  });
  onNotification("ui/notifications/tool-result", (result) => void showPushed(result));
  onNotification("ui/notifications/tool-cancelled", () => {
    showState("cancelled", "The call was canceled before it returned a result.");
  });
}

/** Notes whether the host lets the View call tools. */
export function enableToolCalls({ serverTools }: HostCapabilities): void {
  canCallTools = Boolean(serverTools);
}
