/** Reads widgets: as the difference to what is shown, and whole when that does not apply. */

import type { Outcome } from "../behavior";
import { confirmUnchanged, currentGeneration, currentSeen, shownWidget } from "../dom/apply_update";
import { untilReleased } from "../dom/render_lock";
import { showUpdate } from "../dom/root";
import type { Arguments, BoundCall, ToolResponse, WantedWindow } from "../messages";
import { showWaiting } from "../ui/status_bar";
import * as queue from "./queue";
import { sendUntilAccepted } from "./retry_later";
import { callTool } from "./tool_call";

/** The outcome of a read that a newer one replaced. */
export const REPLACED: Outcome = { ok: false, kind: "failed", message: "A newer request replaced this one." };

/**
 * Reads a widget and shows it. The caller has its turn in the queue.
 *
 * @param tiles only these tiles are run again
 * @param show shows that a busy server is asked again, if the user waits for it
 * @param window of one list, another window is shown
 * @returns the response; its outcome is not ok when it holds no widget
 */
export async function readInTurn(
  widget: BoundCall,
  signal: AbortSignal,
  tiles?: readonly string[],
  show?: typeof showWaiting,
  window?: WantedWindow,
): Promise<ToolResponse> {
  let base: number | null = null;
  const send = (): Promise<ToolResponse> => {
    const seen = currentSeen(tiles);
    base = seen ? currentGeneration() : null;
    return callTool(widget.tool, widget.arguments, { seen, window }, signal);
  };
  const response = await sendUntilAccepted(send, signal, show);
  await untilReleased(signal);
  if (!response.update) return response.outcome.ok ? withoutWidget(response) : response;
  if (showUpdate(response.update, base) !== "needs_full_read") return response;
  return readWhole(widget, signal);
}

async function readWhole(widget: BoundCall, signal: AbortSignal): Promise<ToolResponse> {
  const response = await callTool(widget.tool, widget.arguments, {}, signal);
  await untilReleased(signal);
  if (!response.outcome.ok) return response;
  if (response.update && showUpdate(response.update, null) !== "needs_full_read") return response;
  return withoutWidget(response);
}

/** Asks the connector what changed in a widget. Of one that is not shown, nothing was seen. */
async function followInTurn(
  widget: BoundCall,
  signal: AbortSignal,
  args: Arguments,
  tiles?: readonly string[],
): Promise<ToolResponse> {
  const base = currentGeneration();
  const { tool, arguments: given } = widget;
  const seen = currentSeen(tiles) ?? { tool, arguments: given, frame: "", parts: {}, lists: {}, revision: "" };
  const response = await callTool("intarsia_view", args, { seen }, signal);
  await untilReleased(signal);
  if (response.unchanged && base === currentGeneration()) confirmUnchanged(response.unchanged.revision);
  else if (response.update && showUpdate(response.update, base) !== "needs_full_read") return response;
  // The handle has expired, or is another user's by now: reading under the tool's own name brings a new one.
  else if (response.outcome.ok || response.outcome.kind === "unknown_tool") return readWhole(widget, signal);
  return response;
}

function withoutWidget(response: ToolResponse): ToolResponse {
  return { ...response, outcome: { ok: false, kind: "failed", message: "The response contains no widget." } };
}

/** Reads a widget. Resolves to null when a newer request replaced it. */
export function readWidget(
  widget: BoundCall,
  priority: queue.Priority,
  tiles?: readonly string[],
): Promise<ToolResponse | null> {
  const show = priority === "read" ? showWaiting : undefined;
  return enqueue(priority, (signal) => readInTurn(widget, signal, tiles, show));
}

/** Reads another window of a list of the widget that is shown. Resolves to null when a newer request replaced it. */
export function readWindow(window: WantedWindow): Promise<ToolResponse | null> {
  return enqueue("read", async (signal) => {
    const widget = shownWidget();
    return widget && readInTurn(widget, signal, undefined, showWaiting, window);
  });
}

/** Reads what is shown when all requests of the user before it are done. Resolves to null when the user sent another. */
export function readShownWidget(): Promise<ToolResponse | null> {
  return enqueue("poll", async (signal) => {
    const widget = shownWidget();
    return widget && readInTurn(widget, signal);
  });
}

async function enqueue(
  priority: queue.Priority,
  work: (signal: AbortSignal) => Promise<ToolResponse | null>,
): Promise<ToolResponse | null> {
  try {
    return await queue.run(priority, work);
  } catch (error) {
    if (queue.isAbort(error)) return null;
    throw error;
  }
}

/**
 * Follows a widget's changes. Resolves to null when a newer request replaced it.
 *
 * @param seconds how long the connector may wait for a change
 */
export function followWidget(widget: BoundCall, seconds: number, tiles?: readonly string[]): Promise<ToolResponse | null> {
  return enqueue("poll", (signal) => followInTurn(widget, signal, { wait_seconds: seconds }, tiles));
}

/** Reads a widget as if it had just been opened, so that it supersedes every other View of it. */
export function takeOverWidget(widget: BoundCall): Promise<ToolResponse | null> {
  return enqueue("read", (signal) => followInTurn(widget, signal, { take_over: true }));
}

/** The arguments that the user chose, while the response for them is on its way. */
let chosen: Arguments | null = null;

/**
 * Calls the widget's own tool with one argument changed and the others kept.
 *
 * @param value `""`, null or undefined leaves the argument out, so that the tool's default applies
 */
export async function filterWidget(name: string, value: unknown): Promise<Outcome> {
  const widget = shownWidget();
  if (!widget) return REPLACED;
  const { [name]: _before, ...others } = chosen ?? widget.arguments;
  const isLeftOut = value === "" || value === null || value === undefined;
  const mine: Arguments = isLeftOut ? others : { ...others, [name]: value };
  chosen = mine;
  const response = await readWidget({ tool: widget.tool, arguments: mine }, "read");
  if (chosen === mine) chosen = null;
  return response?.outcome ?? REPLACED;
}
