/** Reports the widget's height to the host, without a feedback loop when the host applies every report. */

import { notify } from "./bridge";
import { hostContext, onContext } from "./theme";

/** Events that change sizes without a change of the document. */
const RESIZING_EVENTS = ["transitionend", "animationend", "load", "toggle"];

let reported = -1;
let queued = false;
let isEdited = true;
let viewportHeight = 0;
let viewportWidth = 0;

/** A host applies reports only where it did not fix the height itself. */
function isFlexible(): boolean {
  const { containerDimensions, displayMode } = hostContext();
  if (displayMode && displayMode !== "inline") return false;
  return !(containerDimensions && "height" in containerDimensions);
}

/** Measures the body with its margins; unlike `<html>`, it does not grow with the frame. */
function measure(): number {
  const { bottom } = document.body.getBoundingClientRect();
  return Math.ceil(bottom + window.scrollY + parseFloat(getComputedStyle(document.body).marginBottom || "0"));
}

/** Whether only the frame's height changed since the last report: then the host applied it. */
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
    reported = -1; // report again when the widget is inline again
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

function markEdited(): void {
  isEdited = true;
}

/** Starts reporting. Call it after `notifyInitialized`. */
export function watchSize(): void {
  new ResizeObserver(schedule).observe(document.body);
  const everything = { subtree: true, childList: true, characterData: true, attributes: true };
  new MutationObserver(markEdited).observe(document.body, everything);
  const markAndReport = (): void => (markEdited(), schedule());
  for (const change of RESIZING_EVENTS) document.addEventListener(change, markAndReport, true);
  document.fonts.addEventListener("loadingdone", markAndReport);
  onContext(markAndReport);
  schedule();
}
