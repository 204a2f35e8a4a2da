/**
 * A design panel: the preview follows the controls, and no tool is called until the user saves.
 *
 * The values of the controls are the only state; which tokens changed is computed from them and the saved values.
 */

import { fireInput } from "../_controls";
import { startPaging } from "../_pager";
import { defineBehavior, type View } from "../view/behavior";
import { drawPreviews, type Tokens, type TokenValue } from "./preview";

type Control = HTMLInputElement | HTMLSelectElement;

interface Row {
  readonly element: HTMLElement;
  readonly control: Control;
  readonly name: string;
  readonly saved: TokenValue | null;
}

/** The value of each token that the server sent last: when it changes, the control follows. */
type Shown = Map<string, string>;

function rowsOf(root: HTMLElement): Row[] {
  return [...root.querySelectorAll<HTMLElement>(".intarsia-token")].flatMap((element) => {
    const control = element.querySelector<Control>("[data-token]");
    if (!control) return [];
    const saved = JSON.parse(element.dataset.saved ?? "null") as TokenValue | null;
    return [{ element, control, name: control.name, saved }];
  });
}

function read(control: Control): TokenValue {
  if (control.type === "checkbox") return (control as HTMLInputElement).checked;
  return control.type === "range" ? Number(control.value) : control.value;
}

function write(control: Control, value: TokenValue | null): void {
  if (control.type === "checkbox") (control as HTMLInputElement).checked = value === true;
  else control.value = String(value ?? "");
  fireInput(control, false);
}

function isChanged({ control, saved }: Row): boolean {
  const value = read(control);
  if (typeof value === "string" && typeof saved === "string" && control.type === "color") {
    return value.toLowerCase() !== saved.toLowerCase();
  }
  return value !== (saved ?? "");
}

/** A saved value as text, as the control would show it. */
function wordsFor({ element, control, saved }: Row): string {
  if (typeof saved === "boolean") return saved ? "on" : "off";
  if (control instanceof HTMLSelectElement) {
    return [...control.options].find(({ value }) => value === saved)?.label ?? "not chosen";
  }
  return `${saved ?? "not set"} ${unitOf(element)}`.trim();
}

function unitOf(element: HTMLElement): string {
  return element.querySelector(".intarsia-slider__unit")?.textContent ?? "";
}

function markRow(row: Row, changed: boolean): void {
  const { element } = row;
  element.toggleAttribute("data-changed", changed);
  const was = element.querySelector<HTMLElement>(".intarsia-token__was");
  if (was) {
    was.hidden = !changed;
    was.textContent = changed ? `was ${wordsFor(row)}` : "";
  }
  const reset = element.querySelector<HTMLButtonElement>("[data-reset]");
  if (!reset) return;
  if (!changed && document.activeElement === reset) row.control.focus();
  reset.disabled = !changed;
}

/** Updates the whole panel from its controls. */
function follow(root: HTMLElement): void {
  const rows = rowsOf(root);
  const tokens: Tokens = new Map(
    rows.map(({ name, control, element }) => [name, { value: read(control), unit: unitOf(element) }]),
  );
  let count = 0;
  for (const row of rows) {
    const changed = isChanged(row);
    markRow(row, changed);
    if (changed) count += 1;
  }
  for (const button of root.querySelectorAll<HTMLButtonElement>("[data-do]")) button.disabled = count === 0;
  const changes = root.querySelector(".intarsia-design-panel__changes");
  const words = count === 0 ? "" : `${count} ${count === 1 ? "change" : "changes"}`;
  if (changes && changes.textContent !== words) changes.textContent = words;
  drawPreviews(root, tokens);
}

/** Where the server changed a token, its control follows; elsewhere the user's value stays. */
function takeFromServer(root: HTMLElement, known: Shown | null): Shown {
  const now: Shown = new Map();
  for (const { element, control, name } of rowsOf(root)) {
    const shown = element.dataset.shown ?? "null";
    now.set(name, shown);
    if (known && known.get(name) !== shown) write(control, JSON.parse(shown) as TokenValue | null);
  }
  return now;
}

function keepDraft(root: HTMLElement, view: View): void {
  if (!root.hasAttribute("data-draft")) return;
  const changed = rowsOf(root).filter(isChanged);
  view.draft(changed.length ? Object.fromEntries(changed.map(({ name, control }) => [name, read(control)])) : null);
}

/** Sends all values. The version comes from `data-item`, as it is when the call is sent. */
async function send(root: HTMLElement, view: View, button: HTMLButtonElement): Promise<void> {
  const outlet = button.dataset.do ?? "";
  if (button.getAttribute("aria-busy") === "true") return;
  const values = Object.fromEntries(rowsOf(root).map(({ name, control }) => [name, read(control)]));
  const body = root.querySelector(".intarsia-design-panel__body") ?? root;
  button.setAttribute("aria-busy", "true");
  await view.act(outlet, { values }, body);
  button.removeAttribute("aria-busy");
  if (root.isConnected) follow(root);
}

function onClick(root: HTMLElement, view: View, target: EventTarget | null): void {
  const button = target instanceof Element ? target.closest<HTMLButtonElement>("[data-reset],[data-do]") : null;
  if (!button || button.disabled) return;
  if (button.dataset.do && button.dataset.do !== "discard") return void send(root, view, button);
  const only = button.closest(".intarsia-token");
  for (const { element, control, saved } of rowsOf(root)) {
    if (!only || only === element) write(control, saved);
  }
  if (!only) rowsOf(root)[0]?.control.focus();
  keepDraft(root, view);
}

defineBehavior("design_panel", (root, view) => {
  root.addEventListener("input", ({ target }) => {
    if (target instanceof Element && target.hasAttribute("data-token")) follow(root);
  });
  root.addEventListener("change", ({ target }) => {
    if (!(target instanceof Element) || !target.hasAttribute("data-token")) return;
    follow(root);
    keepDraft(root, view);
  });
  root.addEventListener("click", ({ target }) => onClick(root, view, target));
  const list = (): HTMLElement | null => root.querySelector<HTMLElement>(".intarsia-design-panel__tokens");
  let known: Shown | null = null;
  const refresh = (): void => {
    known = takeFromServer(root, known);
    follow(root);
  };
  refresh();
  const pager = startPaging({ root, list, view });
  return {
    patched() {
      refresh();
      pager.patched();
    },
    stop: pager.stop,
  };
});
