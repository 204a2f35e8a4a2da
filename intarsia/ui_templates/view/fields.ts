/** What controls say, with the types that tools expect: FormData knows only strings. */

import { type Arguments, isRecord } from "./wire";

type Field = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement | HTMLButtonElement;

/** A file was picked: nothing could carry it. */
export class FileFieldError extends Error {
  constructor(name: string) {
    super(`The field ${name} holds a file, and files cannot be sent from here.`);
  }
}

function isField(element: Element): element is Field {
  return /^(?:INPUT|SELECT|TEXTAREA|BUTTON)$/.test(element.tagName);
}

const isBox = (field: Field): field is HTMLInputElement => field.type === "checkbox" || field.type === "radio";

/** The value of one control: number, boolean, list or text. Undefined says that it has none to give. */
export function valueOf(field: Field): unknown {
  if (field instanceof HTMLSelectElement && field.multiple) return [...field.selectedOptions].map(({ value }) => value);
  if (field.type === "file") throw new FileFieldError(field.name);
  if (field.type === "number" || field.type === "range") return field.value === "" ? null : Number(field.value);
  if (!isBox(field)) return field.value;
  if (field.hasAttribute("value")) return field.checked ? field.value : undefined;
  return field.checked;
}

/** A control's own `name: value`; nothing when it has no name. */
export function ownValue(element: Element): Arguments {
  if (!isField(element) || !element.name) return {};
  const value = valueOf(element);
  return value === undefined ? {} : { [element.name]: value };
}

/** A form's values by name. Boxes that share a name make a list; buttons count only when they submitted. */
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

/** Reads arguments that the server wrote into a `data-` attribute. */
export function argumentsIn(json: string | undefined | null): Arguments {
  try {
    const value: unknown = JSON.parse(json ?? "{}");
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

/** Which thing an element is about: the nearest `data-item`. */
export function itemOf(element: Element): Arguments {
  return argumentsIn(element.closest("[data-item]")?.getAttribute("data-item"));
}

function resetField(field: Field): void {
  if (field instanceof HTMLSelectElement) for (const option of field.options) option.selected = option.defaultSelected;
  else if (isBox(field)) field.checked = field.defaultChecked;
  else if ("defaultValue" in field) field.value = field.defaultValue;
}

const stateOf = (field: Field): unknown => (isBox(field) ? field.checked : field.value);

/** The form that an element stands for when it is pressed: itself, or the one it submits. */
export function formOf(element: Element): HTMLFormElement | null {
  if (element instanceof HTMLFormElement) return element;
  return isField(element) && element.type === "submit" ? element.form : null;
}

/** Controls that hold words; what a person wrote is theirs until it was taken. */
const isText = (field: Field): boolean => field.matches("textarea,input:not([type=range],[type=color])") && !isBox(field);

/**
 * Notes what a control or a form holds.
 *
 * @returns puts every field back to what the server said of it, except those that were changed again meanwhile, and,
 *   when it was refused, what a person wrote
 */
export function captureFields(element: Element): (isTaken: boolean) => void {
  const form = formOf(element);
  const fields = [...(form?.elements ?? [element])].filter(isField);
  const noted = fields.map((field) => [field, stateOf(field)] as const);
  return (isTaken) => {
    for (const [field, state] of noted) {
      const isKept = !isTaken && (form !== null || isText(field));
      if (stateOf(field) === state && !isKept) resetField(field);
    }
  };
}
