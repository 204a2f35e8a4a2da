/** The place in the document where the widget, or a state instead of it, is shown. */

import { forgetShown, showParts, type Verdict } from "./parts";
import type { PartsAnswer } from "./wire";

/** `<main id="inlay-root">` of `document.html`. */
export const place: HTMLElement = document.getElementById("inlay-root") ?? document.body;

const listeners = new Set<() => void>();

/** Runs the listener whenever what is shown has changed, before the browser paints. */
export function onShown(listener: () => void): void {
  listeners.add(listener);
}

function tellShown(): void {
  for (const listener of listeners) listener();
}

/** Shows an answer. See `showParts`. */
export function showAnswer(answer: PartsAnswer, base: number | null): Verdict {
  const verdict = showParts(place, answer, base);
  if (verdict !== "shown") return verdict;
  setBusy(false);
  tellShown();
  return verdict;
}

/** Shows something that is no widget in the widget's place. */
export function showInstead(element: HTMLElement): void {
  forgetShown();
  place.replaceChildren(element);
  tellShown();
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
