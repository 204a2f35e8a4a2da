/** The `View` that behaviors are given. */

import type { DisplayMode, View } from "./behavior";
import { request } from "./bridge";
import { keepDraft } from "./drafts";
import { hold } from "./hold";
import { sendToOutlet } from "./htmx_tool";
import { shownWidget } from "./parts";
import { filter } from "./reads";
import { announce, status } from "./shell";
import { noteDisplayMode, onContext, viewContext } from "./theme";

const MODES: readonly unknown[] = ["inline", "fullscreen", "pip"];

async function requestDisplayMode(mode: DisplayMode): Promise<DisplayMode> {
  const { displayMode, displayModes } = viewContext();
  if (mode === displayMode || !displayModes.includes(mode)) return displayMode;
  try {
    const granted = (await request("ui/request-display-mode", { mode })).mode;
    if (MODES.includes(granted)) noteDisplayMode(granted as DisplayMode);
  } catch {
    return viewContext().displayMode; // the host said no
  }
  return viewContext().displayMode;
}

export const view: View = {
  act: (outlet, detail = {}, from) => sendToOutlet(outlet, detail, from ?? null),
  hold,
  announce,
  filter,
  draft: keepDraft,
  get widget() {
    return shownWidget() ?? { tool: "", arguments: {} };
  },
  get context() {
    return viewContext();
  },
  onContext,
  requestDisplayMode,
  status,
};
