/** Keeps a color's picker, its hex text and its swatches together. The picker is the one that speaks. */

import { defineBehavior } from "../view/behavior";

interface Fields {
  readonly picker: HTMLInputElement;
  readonly hex: HTMLInputElement;
  readonly problem: HTMLElement | null;
  readonly swatches: readonly HTMLElement[];
}

/** Reads what people type for a color (`2F6`, `#2f6feb`, ` 2f6feb`) as six digits after `#`, or as null. */
export function readHex(text: string): string | null {
  const digits = text.trim().replace(/^#/, "").toLowerCase();
  if (/^[0-9a-f]{6}$/.test(digits)) return `#${digits}`;
  return /^[0-9a-f]{3}$/.test(digits) ? `#${digits.replace(/./g, "$&$&")}` : null;
}

function fieldsOf(root: HTMLElement): Fields | null {
  const picker = root.querySelector<HTMLInputElement>(".inlay-color-field__picker");
  const hex = root.querySelector<HTMLInputElement>(".inlay-color-field__hex");
  if (!picker || !hex) return null;
  const problem = root.querySelector<HTMLElement>(".inlay-color-field__problem");
  return { picker, hex, problem, swatches: [...root.querySelectorAll<HTMLElement>("[data-swatch]")] };
}

function setProblem({ hex, problem }: Fields, isWrong: boolean): void {
  hex.toggleAttribute("aria-invalid", isWrong);
  if (isWrong) hex.setAttribute("aria-invalid", "true");
  if (problem) problem.hidden = !isWrong;
}

/** Shows what the picker says. What somebody is typing is left alone. */
function follow(fields: Fields): void {
  const { picker, hex, swatches } = fields;
  for (const swatch of swatches) swatch.setAttribute("aria-pressed", String(swatch.dataset.swatch === picker.value));
  if (document.activeElement === hex && readHex(hex.value) !== null) return;
  if (document.activeElement !== hex) hex.value = picker.value;
  setProblem(fields, readHex(hex.value) === null);
}

function choose({ picker }: Fields, color: string, ...events: readonly ("input" | "change")[]): void {
  picker.value = color;
  for (const name of events) picker.dispatchEvent(new Event(name, { bubbles: true }));
}

function onInput(root: HTMLElement, target: EventTarget | null): void {
  const fields = fieldsOf(root);
  if (!fields) return;
  if (target === fields.picker) return follow(fields);
  const color = readHex(fields.hex.value);
  if (target !== fields.hex || color === null) return;
  setProblem(fields, false);
  choose(fields, color, "input");
}

function onChange(root: HTMLElement, target: EventTarget | null): void {
  const fields = fieldsOf(root);
  if (!fields || target !== fields.hex) return;
  const color = readHex(fields.hex.value);
  setProblem(fields, color === null);
  if (color === null) return;
  fields.hex.value = color;
  choose(fields, color, "input", "change");
}

function onClick(root: HTMLElement, target: EventTarget | null): void {
  const swatch = target instanceof Element ? target.closest<HTMLElement>("[data-swatch]") : null;
  const fields = fieldsOf(root);
  if (swatch?.dataset.swatch && fields) choose(fields, swatch.dataset.swatch, "input", "change");
}

defineBehavior("color_field", (root) => {
  root.addEventListener("input", ({ target }) => onInput(root, target));
  root.addEventListener("change", ({ target }) => onChange(root, target));
  root.addEventListener("click", ({ target }) => onClick(root, target));
  return {
    patched() {
      const fields = fieldsOf(root);
      if (fields) follow(fields);
    },
  };
});
