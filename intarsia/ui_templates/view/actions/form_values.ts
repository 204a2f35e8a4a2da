/** The values of controls, with the types that tools expect: FormData has only strings. */

import { type Arguments, parseArguments } from "../messages";

type Field = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement | HTMLButtonElement;

/** The user chose a file, which no call can carry. */
export class FileFieldError extends Error {
  constructor(name: string) {
    super(`Files can't be sent from here. Clear the field ${name}.`);
  }
}

function isField(element: Element): element is Field {
  return /^(?:INPUT|SELECT|TEXTAREA|BUTTON)$/.test(element.tagName);
}

const isBox = (field: Field): field is HTMLInputElement => field.type === "checkbox" || field.type === "radio";

/** The value of one control: number, boolean, list or text; undefined when it has none. */
export function valueOf(field: Field): unknown {
  if (field instanceof HTMLSelectElement && field.multiple) return [...field.selectedOptions].map(({ value }) => value);
  if (field.type === "file") throw new FileFieldError(field.name);
  if (field.type === "number" || field.type === "range") return field.value === "" ? null : Number(field.value);
  if (!isBox(field)) return field.value;
  if (field.hasAttribute("value")) return field.checked ? field.value : undefined;
  return field.checked;
}

/** A control's own `name: value`; empty when it has no name. */
export function ownValue(element: Element): Arguments {
  if (!isField(element) || !element.name) return {};
  const value = valueOf(element);
  return value === undefined ? {} : { [element.name]: value };
}

/** A form's values by name. Checkboxes that share a name make a list; only the button that submitted counts. */
export function formValues(form: HTMLFormElement, submitter?: Element | null): Arguments {
  const fields = [...form.elements].filter(isField).filter((field) => field.name && !field.matches(":disabled"));
  const values: Arguments = {};
  for (const field of fields) {
    if (field.type === "submit" || field.type === "button" || field.type === "reset" || field.type === "image") continue;
    const isShared = field.type === "checkbox" && fields.filter(({ name }) => name === field.name).length > 1;
    const value = valueOf(field);
    if (isShared) values[field.name] = [...((values[field.name] as unknown[]) ?? []), ...(value === undefined ? [] : [value])];
    else if (value !== undefined) values[field.name] = value;
  }
  return submitter ? { ...values, ...ownValue(submitter) } : values;
}

/** The item around an element: the nearest `data-item`. */
export function itemOf(element: Element): Arguments {
  return parseArguments(element.closest("[data-item]")?.getAttribute("data-item"));
}

function resetField(field: Field): void {
  if (field instanceof HTMLSelectElement) for (const option of field.options) option.selected = option.defaultSelected;
  else if (isBox(field)) field.checked = field.defaultChecked;
  else if ("defaultValue" in field) field.value = field.defaultValue;
}

const stateOf = (field: Field): unknown => (isBox(field) ? field.checked : field.value);

/** The form that an element is, or that it submits. */
export function formOf(element: Element): HTMLFormElement | null {
  if (element instanceof HTMLFormElement) return element;
  return isField(element) && element.type === "submit" ? element.form : null;
}

/** Text controls: what the user wrote stays until the server accepts it. */
const isText = (field: Field): boolean => field.matches("textarea,input:not([type=range],[type=color])") && !isBox(field);

/**
 * Remembers the values of a control or a form.
 *
 * @returns resets every field to what the server sent, except fields that changed again meanwhile, and, when the server
 *   refused, text that the user wrote
 */
export function captureFields(element: Element): (isAccepted: boolean) => void {
  const form = formOf(element);
  const fields = [...(form?.elements ?? [element])].filter(isField);
  const noted = fields.map((field) => [field, stateOf(field)] as const);
  return (isAccepted) => {
    for (const [field, state] of noted) {
      const isKept = !isAccepted && (form !== null || isText(field));
      if (stateOf(field) === state && !isKept) resetField(field);
    }
  };
}
