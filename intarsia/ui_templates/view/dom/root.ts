/** The element in which the widget is shown, or a placeholder instead of it. */

import type { WidgetUpdate } from "../messages";
import { applyUpdate, clearShown, restoreLists, restorePiece, shownWidget, type UpdateResult } from "./apply_update";
import { TypedText } from "./typed_text";

/** `<main id="intarsia-root">` of `document.html`. */
export const root: HTMLElement = document.getElementById("intarsia-root") ?? document.body;

type Listener = (isNew: boolean) => void;

const listeners: Listener[] = [];

/** What the user typed in the widget that a placeholder replaced, and the tool of that widget. */
let typed: { readonly tool: string; readonly text: TypedText } | null = null;

/** Runs the listener after each change of the document, before the browser paints; `isNew`: the server sent it just now. */
export function onRendered(listener: Listener): void {
  listeners.push(listener);
}

function notifyRendered(isNew: boolean): void {
  for (const listener of listeners) listener(isNew);
}

/** Shows an update. See `applyUpdate`. */
export function showUpdate(update: WidgetUpdate, base: number | null): UpdateResult {
  const result = applyUpdate(root, update, base);
  if (result !== "shown") return result;
  if (typed?.tool === update.tool) typed.text.restore(root);
  typed = null;
  setBusy(false);
  notifyRendered(true);
  return result;
}

/** Puts the item or part around an element back to what the server sent last. */
export function restoreAround(element: Element): void {
  if (restorePiece(root, element)) notifyRendered(false);
}

/** Puts every list back into the order that the server sent last. */
export function restoreOrder(): void {
  restoreLists(root);
  notifyRendered(false);
}

/** Shows an element that is not a widget in the widget's place. What was typed there comes back with the widget. */
export function showPlaceholder(element: HTMLElement): void {
  const tool = shownWidget()?.tool;
  if (tool !== undefined) typed = { tool, text: new TypedText(root) };
  clearShown();
  root.replaceChildren(element);
  notifyRendered(true);
}

/** Marks the widget as loading: at once for assistive technology, for the eye after a delay. */
export function setBusy(isBusy: boolean): void {
  if (isBusy) root.setAttribute("aria-busy", "true");
  else root.removeAttribute("aria-busy");
}

/** Whether an element is markup of the widget itself: inside `hx-ignore` stands text of users. */
export function isWidgetMarkup(element: Element): boolean {
  return !element.closest("[hx-ignore]");
}
