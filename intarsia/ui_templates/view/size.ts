/** Tells the host how high the widget is, and never starts a loop with a host that applies every report. */

import { notify } from "./bridge";
import { hostContext, onContext } from "./theme";

/** What changes a box without an edit of the document. */
const SILENT_CHANGES = ["transitionend", "animationend", "load", "toggle"];

let reported = -1;
let queued = false;
let isEdited = true;
let viewportHeight = 0;
let viewportWidth = 0;

/** The host follows reports only where it left the height open. */
function isFlexible(): boolean {
  const { containerDimensions, displayMode } = hostContext();
  if (displayMode && displayMode !== "inline") return false;
  return !(containerDimensions && "height" in containerDimensions);
}

/** The body's own box with its margins: it does not grow with the frame, as `<html>` does. */
function measure(): number {
  const { bottom } = document.body.getBoundingClientRect();
  return Math.ceil(bottom + window.scrollY + parseFloat(getComputedStyle(document.body).marginBottom || "0"));
}

/** Since the last report the frame's height changed and nothing else did: the host applied the report. */
function isEcho(): boolean {
  const { innerHeight, innerWidth } = window;
  const heightOnly = innerHeight !== viewportHeight && innerWidth === viewportWidth;
  viewportHeight = innerHeight;
  viewportWidth = innerWidth;
  return heightOnly && !isEdited;
}

function report(): void {
  queued = false;
  const echo = isEcho();
  if (!isFlexible()) {
    reported = -1; // so that the height is told anew when the widget is inline again
    return;
  }
  const height = measure();
  if (height === reported || echo) return;
  reported = height;
  isEdited = false;
  notify("ui/notifications/size-changed", { height });
}

function schedule(): void {
  if (queued) return;
  queued = true;
  requestAnimationFrame(report);
}

function noteEdit(): void {
  isEdited = true;
}

/** Starts reporting; call it after `initialized` was said. */
export function watchSize(): void {
  new ResizeObserver(schedule).observe(document.body);
  const everything = { subtree: true, childList: true, characterData: true, attributes: true };
  new MutationObserver(noteEdit).observe(document.body, everything);
  const noteAndReport = (): void => (noteEdit(), schedule());
  for (const change of SILENT_CHANGES) document.addEventListener(change, noteAndReport, true);
  document.fonts.addEventListener("loadingdone", noteAndReport);
  onContext(noteAndReport);
  schedule();
}
