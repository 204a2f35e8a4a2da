/** Makes markup read-only for hosts in which a View cannot call tools: every control that would need the server is off. */

import { canCallTools } from "../host/capabilities";

/** The element with the sentence that says why: see `ui/read_only_note.ts`. */
export const NOTE_ID = "intarsia-read-only";

/** Attributes by which markup calls the server. */
const CALLS = ["hx-post", "hx-get", "data-act", "data-filter"];
const CALLING = CALLS.map((name) => `[${name}]`).join();
const CONTROLS = "button,input,select,textarea";
/** Controls that work without the server: turning pages, the full view, folding, and what is marked so. */
const LOCAL = ".intarsia-pager button,[data-fold],[data-local]";

let isWithheld = false;

/** Whether any control was turned off or left out so far. */
export function isAnyWithheld(): boolean {
  return isWithheld;
}

/**
 * Turns off what cannot work in this host, before behaviors see it.
 *
 * Outlets go first: behaviors start no gesture that has none. A button without a call of its own belongs to such a
 * gesture, and goes too. Every other control stays, disabled, because it shows a value or a name.
 */
export function withholdActions(markup: ParentNode): void {
  if (canCallTools()) return;
  for (const outlet of markup.querySelectorAll("[data-outlet]")) leaveOut(outlet);
  for (const control of markup.querySelectorAll<HTMLButtonElement>(CONTROLS)) withhold(control);
  for (const element of markup.querySelectorAll(CALLING)) {
    for (const name of CALLS) element.removeAttribute(name);
    isWithheld = true;
  }
}

function withhold(control: HTMLButtonElement): void {
  if (control.matches(LOCAL) || control.closest("[hx-ignore]")) return;
  const isOfGesture = control.localName === "button" && !control.matches(CALLING) && !control.closest("form");
  if (isOfGesture) return leaveOut(control);
  if (control.disabled) return; // the server said why
  control.setAttribute("disabled", "");
  control.setAttribute("aria-describedby", NOTE_ID);
  isWithheld = true;
}

function leaveOut(element: Element): void {
  element.remove();
  isWithheld = true;
}
