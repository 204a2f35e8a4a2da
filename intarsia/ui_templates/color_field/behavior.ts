/** Keeps a color's picker, its hex text and its swatches together. The picker is the one that speaks. */

import { fireInput } from "../_controls";
import { defineBehavior } from "../view/behavior";

interface Fields {
  readonly picker: HTMLInputElement;
  readonly hex: HTMLInputElement;
  readonly problem: HTMLElement;
}

/** Parses a typed color (`2F6`, `#2f6feb`, ` 2f6feb`) into `#` and six digits; null when it is none. */
function readHex(text: string): string | null {
  const digits = text.trim().replace(/^#/, "").toLowerCase();
  if (/^[0-9a-f]{6}$/.test(digits)) return `#${digits}`;
  return /^[0-9a-f]{3}$/.test(digits) ? `#${digits.replace(/./g, "$&$&")}` : null;
}

/** The markup is made by the macro `color_input`. */
function fieldsOf(root: HTMLElement): Fields {
  const find = (part: string): HTMLInputElement => root.querySelector(`.intarsia-color-field__${part}`)!;
  return { picker: find("picker"), hex: find("hex"), problem: find("problem") };
}

function setProblem({ hex, problem }: Fields, isWrong: boolean): void {
  hex.ariaInvalid = isWrong ? "true" : null;
  problem.hidden = !isWrong;
}

/** Shows the picker's value. A field that the user is typing in stays. */
function follow(root: HTMLElement): void {
  const fields = fieldsOf(root);
  const { picker, hex } = fields;
  for (const swatch of root.querySelectorAll<HTMLElement>("[data-swatch]")) {
    swatch.ariaPressed = String(swatch.dataset.swatch === picker.value);
  }
  if (document.activeElement !== hex) hex.value = picker.value;
  if (document.activeElement !== hex || !readHex(hex.value)) setProblem(fields, !readHex(hex.value));
}

function onEdit(root: HTMLElement, { target, type }: Event): void {
  const fields = fieldsOf(root);
  const { picker, hex } = fields;
  if (target === picker) follow(root);
  if (target !== hex) return;
  const color = readHex(hex.value);
  const isOver = type === "change";
  if (color || isOver) setProblem(fields, !color);
  if (!color) return;
  if (isOver) hex.value = color;
  choose(picker, color, isOver);
}

function choose(picker: HTMLInputElement, color: string, isOver: boolean): void {
  picker.value = color;
  fireInput(picker, isOver);
}

defineBehavior("color_field", (root) => {
  root.addEventListener("input", (event) => onEdit(root, event));
  root.addEventListener("change", (event) => onEdit(root, event));
  root.addEventListener("click", ({ target }) => {
    const swatch = target instanceof Element ? target.closest<HTMLElement>("[data-swatch]") : null;
    if (swatch?.dataset.swatch) choose(fieldsOf(root).picker, swatch.dataset.swatch, true);
  });
  return { patched: () => follow(root) };
});
