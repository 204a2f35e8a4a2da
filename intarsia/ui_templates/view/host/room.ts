/** The height that a widget may take in the conversation. Every widget that pages or folds asks here. */

import { hostContext } from "./theme";

/** Where the host states no limit: the height that the guidelines of hosts ask for. */
const UNSTATED_PX = 500;
/** However much a host allows: more is not taken in at a glance, and pushes the conversation away. */
const MAX_PX = 800;
const MIN_PX = 240;

let fixedHeight = Infinity;

/** The available height in CSS pixels, for the widget with the page's padding and the row below; Infinity outside of
 * the conversation, where the page scrolls. */
export function room(): number {
  const { displayMode, containerDimensions } = hostContext();
  if (displayMode && displayMode !== "inline") return Infinity;
  const ofConnector = Number(document.documentElement.dataset.inlineHeight) || undefined;
  const ofHost = (containerDimensions as { maxHeight?: number } | undefined)?.maxHeight;
  const limit = Math.min(ofConnector ?? MAX_PX, ofHost ?? ofConnector ?? UNSTATED_PX, fixedHeight);
  return Math.max(MIN_PX, limit);
}

/** Takes a fixed height of the host as the room, because the host did not grow when more was reported. */
export function yieldTo(height: number): void {
  fixedHeight = height;
}
