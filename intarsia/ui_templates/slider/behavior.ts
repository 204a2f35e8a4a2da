/** Keeps a slider, its number field and its filled part in sync. The slider fires the events. */

import { fireInput } from "../_controls";
import { defineBehavior } from "../view/behavior";

interface Fields {
  readonly range: HTMLInputElement;
  readonly entry: HTMLInputElement;
}

/** The markup is made by the macro `slider_input`. */
function fieldsOf(root: HTMLElement): Fields {
  return { range: root.querySelector(".intarsia-slider__range")!, entry: root.querySelector(".intarsia-slider__number")! };
}

/** Shows the slider's value. A field that the user is typing in stays. */
function follow(root: HTMLElement): void {
  const { range, entry } = fieldsOf(root);
  if (!range) return; // the root holds another control now, because a token before it was left out
  const [low, high] = [Number(range.min), Number(range.max)];
  const unit = root.querySelector(".intarsia-slider__unit")?.textContent ?? "";
  range.style.setProperty("--intarsia-fill", `${((range.valueAsNumber - low) / (high - low)) * 100}%`);
  range.ariaValueText = `${range.value} ${unit}`.trim();
  if (document.activeElement !== entry) entry.value = range.value;
}

/** A number that was typed becomes, once that is over, the nearest one that the slider can stand at. */
function onEdit(root: HTMLElement, { target, type }: Event): void {
  const { range, entry } = fieldsOf(root);
  if (target !== entry) return follow(root);
  const isOver = type === "change";
  const isUsable = entry.value !== "" && (isOver || entry.validity.valid);
  if (isUsable) range.value = entry.value;
  if (isOver) entry.value = range.value;
  if (isUsable || isOver) fireInput(range, isOver);
}

defineBehavior("slider", (root) => {
  root.addEventListener("input", (event) => onEdit(root, event));
  root.addEventListener("change", (event) => onEdit(root, event));
  return { patched: () => follow(root) };
});
