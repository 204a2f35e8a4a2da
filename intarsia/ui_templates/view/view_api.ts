/** Implements `View`, the interface that behaviors are given. */

import { saveDraft } from "./actions/drafts";
import { sendToOutlet } from "./actions/tool_extension";
import type { DisplayMode, View } from "./behavior";
import { shownWidget } from "./dom/apply_update";
import { hold } from "./dom/render_lock";
import { request } from "./host/bridge";
import { room } from "./host/room";
import { applyDisplayMode, onContext, viewContext } from "./host/theme";
import { filterWidget } from "./requests/read_widget";
import { announce, status } from "./ui/status_bar";

const MODES: readonly unknown[] = ["inline", "fullscreen", "pip"];

async function requestDisplayMode(mode: DisplayMode): Promise<DisplayMode> {
  const { displayMode, displayModes } = viewContext();
  if (mode === displayMode || !displayModes.includes(mode)) return displayMode;
  try {
    const granted = (await request("ui/request-display-mode", { mode })).mode;
    if (MODES.includes(granted)) applyDisplayMode(granted as DisplayMode);
  } catch {
    return viewContext().displayMode; // the host refused
  }
  return viewContext().displayMode;
}

export const view: View = {
  act: (outlet, detail = {}, from) => sendToOutlet(outlet, detail, from ?? null),
  hold,
  announce,
  filter: filterWidget,
  draft: saveDraft,
  get widget() {
    return shownWidget() ?? { tool: "", arguments: {} };
  },
  get context() {
    return viewContext();
  },
  room,
  onContext,
  requestDisplayMode,
  status,
};
