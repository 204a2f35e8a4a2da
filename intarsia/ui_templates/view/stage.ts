/** The place in the document where the widget, or a state instead of it, is shown. */

import { forgetShown, restoreLists, restorePiece, showParts, type Verdict } from "./parts";
import type { PartsAnswer } from "./wire";

/** `<main id="intarsia-root">` of `document.html`. */
export const place: HTMLElement = document.getElementById("intarsia-root") ?? document.body;

type Listener = (isNew: boolean) => void;

const listeners: Listener[] = [];

/** Runs the listener whenever the document has changed, before the browser paints; `isNew`: the server said so just now. */
export function onShown(listener: Listener): void {
  listeners.push(listener);
}

function tellShown(isNew: boolean): void {
  for (const listener of listeners) listener(isNew);
}

/** Shows an answer. See `showParts`. */
export function showAnswer(answer: PartsAnswer, base: number | null): Verdict {
  const verdict = showParts(place, answer, base);
  if (verdict !== "shown") return verdict;
  setBusy(false);
  tellShown(true);
  return verdict;
}

/** Puts the item or part around an element back to what the server last said of it. */
export function restoreAround(element: Element): void {
  if (restorePiece(place, element)) tellShown(false);
}

/** Brings every list into the order that the server last said. */
export function restoreOrder(): void {
  restoreLists(place);
  tellShown(false);
}

/** Shows something that is no widget in the widget's place. */
export function showInstead(element: HTMLElement): void {
  forgetShown();
  place.replaceChildren(element);
  tellShown(true);
}

/** Says to assistive technology, and by a delay to the eye, that the widget is being worked on. */
export function setBusy(isBusy: boolean): void {
  if (isBusy) place.setAttribute("aria-busy", "true");
  else place.removeAttribute("aria-busy");
}

/** Whether markup comes from the widget itself: what stands inside `hx-ignore` is somebody's text. */
export function isOurs(element: Element): boolean {
  return !element.closest("[hx-ignore]");
}
