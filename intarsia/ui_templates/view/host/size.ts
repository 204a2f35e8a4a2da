/** Reports the widget's height to the host, without a feedback loop when the host applies every report. */

import { notify } from "./bridge";
import { yieldTo } from "./room";
import { applyContext, hostContext, onContext } from "./theme";

/** Events that change sizes without a change of the document. */
const RESIZING_EVENTS = ["transitionend", "animationend", "load", "toggle"];

let reported = -1;
let queued = false;
let isEdited = true;
let viewportHeight = 0;
let viewportWidth = 0;

/** How long a host that fixed the height has to grow after a report. */
const GROWTH_MS = 500;
let growth: number | undefined;

function isInline(): boolean {
  const { displayMode } = hostContext();
  return !displayMode || displayMode === "inline";
}

/** Some hosts fix a height and still grow when more is reported; in the others, the height they fixed is all there is. */
function waitForGrowth(): void {
  const { containerDimensions } = hostContext();
  const fixed = (containerDimensions as { height?: number } | undefined)?.height;
  clearTimeout(growth);
  if (!fixed) return yieldTo(Infinity);
  growth = window.setTimeout(() => {
    if (window.innerHeight >= measure()) return;
    yieldTo(fixed);
    applyContext({}); // every widget fits itself anew
  }, GROWTH_MS);
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
  if (!isInline()) {
    reported = -1; // report again when the widget is inline again
    return;
  }
  const height = measure();
  if (height === reported || echo) return;
  reported = height;
  isEdited = false;
  notify("ui/notifications/size-changed", { height });
  waitForGrowth();
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
