/** Keeps a slider, the number beside it and what is filled together. The slider is the one that speaks. */

import { defineBehavior } from "../view/behavior";

interface Fields {
  readonly range: HTMLInputElement;
  readonly entry: HTMLInputElement;
}

function fieldsOf(root: HTMLElement): Fields | null {
  const range = root.querySelector<HTMLInputElement>(".inlay-slider__range");
  const entry = root.querySelector<HTMLInputElement>(".inlay-slider__number");
  return range && entry ? { range, entry } : null;
}

/** Shows what the slider says. What somebody is typing is left alone. */
function follow({ range, entry }: Fields): void {
  const [low, high] = [Number(range.min), Number(range.max)];
  const unit = range.parentElement?.querySelector(".inlay-slider__unit")?.textContent ?? "";
  range.style.setProperty("--inlay-fill", `${((range.valueAsNumber - low) / (high - low)) * 100}%`);
  range.setAttribute("aria-valuetext", `${range.value} ${unit}`.trim());
  if (document.activeElement !== entry) entry.value = range.value;
}

function onInput(root: HTMLElement, target: EventTarget | null): void {
  const fields = fieldsOf(root);
  if (!fields) return;
  if (target !== fields.entry) return follow(fields);
  if (fields.entry.value === "" || !fields.entry.validity.valid) return;
  fields.range.value = fields.entry.value;
  fields.range.dispatchEvent(new Event("input", { bubbles: true }));
}

/** A number that was typed becomes the nearest one that the slider can stand at. */
function onChange(root: HTMLElement, target: EventTarget | null): void {
  const fields = fieldsOf(root);
  if (!fields || target !== fields.entry) return;
  if (fields.entry.value !== "") fields.range.value = fields.entry.value;
  fields.entry.value = fields.range.value;
  fields.range.dispatchEvent(new Event("input", { bubbles: true }));
  fields.range.dispatchEvent(new Event("change", { bubbles: true }));
}

defineBehavior("slider", (root) => {
  root.addEventListener("input", ({ target }) => onInput(root, target));
  root.addEventListener("change", ({ target }) => onChange(root, target));
  return {
    patched() {
      const fields = fieldsOf(root);
      if (fields) follow(fields);
    },
  };
});
