/** A form made from a tool's input schema. */

import type { Tool } from "@modelcontextprotocol/client";
import { element } from "../dom";

interface Schema {
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  $ref?: string;
  $defs?: Record<string, Schema>;
  properties?: Record<string, Schema>;
  required?: string[];
  default?: unknown;
  examples?: unknown[];
  description?: string;
  title?: string;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
}

type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

interface FormField {
  name: string;
  control: Control;
  /** The value to send; undefined leaves the argument out. */
  read(): unknown;
}

/** Builds the form; `call` gets the arguments when it is sent. */
export function toolForm(tool: Tool, call: (given: Record<string, unknown>) => void): HTMLFormElement {
  const schema = tool.inputSchema as Schema;
  const fields = Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const isRequired = schema.required?.includes(name) ?? false;
    return { field: formField(`${tool.name}-${name}`, name, resolve(property, schema), isRequired), property, isRequired };
  });
  const form = element("form", { class: "tool-form", noValidate: false });
  for (const { field, property, isRequired } of fields) form.append(labelled(field, property, isRequired));
  form.append(element("button", { class: "button primary", type: "submit" }, "Call"));
  form.onsubmit = (event) => {
    event.preventDefault();
    call(collect(fields.map(({ field }) => field)));
  };
  return form;
}

function collect(fields: FormField[]): Record<string, unknown> {
  return Object.fromEntries(fields.map((field) => [field.name, field.read()]).filter(([, value]) => value !== undefined));
}

/** Resolves references, and "this or null" to this. */
function resolve(schema: Schema, root: Schema): Schema {
  if (schema.$ref) {
    const named = root.$defs?.[schema.$ref.split("/").pop() ?? ""];
    return named ? { ...resolve(named, root), ...withoutReference(schema) } : schema;
  }
  const branches = (schema.anyOf ?? schema.oneOf)?.map((branch) => resolve(branch, root));
  const given = branches?.filter((branch) => branch.type !== "null");
  if (given?.length === 1) return { ...given[0], ...withoutBranches(schema) };
  return schema;
}

function withoutReference({ $ref: _reference, ...rest }: Schema): Schema {
  return rest;
}

function withoutBranches({ anyOf: _any, oneOf: _one, ...rest }: Schema): Schema {
  return rest;
}

function labelled(field: FormField, property: Schema, isRequired: boolean): HTMLElement {
  const label = element("label", { htmlFor: field.control.id }, field.name);
  if (!isRequired) label.append(element("span", { class: "optional" }, "optional"));
  const isCheck = field.control instanceof HTMLInputElement && field.control.type === "checkbox";
  const row = element("div", { class: isCheck ? "field check" : "field" });
  row.append(...(isCheck ? [field.control, label] : [label, field.control]));
  if (property.description) {
    const hint = element("p", { class: "hint", id: `${field.control.id}-hint` }, property.description);
    field.control.setAttribute("aria-describedby", hint.id);
    row.append(hint);
  }
  return row;
}

function formField(id: string, name: string, schema: Schema, isRequired: boolean): FormField {
  const kind = Array.isArray(schema.type) ? schema.type.find((one) => one !== "null") : schema.type;
  if (schema.enum) return choiceField(id, name, schema, schema.enum, isRequired);
  if (kind === "boolean") return checkField(id, name, schema, isRequired);
  if (kind === "integer" || kind === "number") return numberField(id, name, schema, kind, isRequired);
  if (kind === "string") return textField(id, name, schema, isRequired);
  return jsonField(id, name, schema, isRequired);
}

function choiceField(id: string, name: string, schema: Schema, options: unknown[], isRequired: boolean): FormField {
  const control = element("select", { id, name });
  if (!isRequired) control.append(element("option", { value: "" }, "—"));
  options.forEach((option, index) => {
    control.append(element("option", { value: String(index), selected: option === schema.default }, String(option)));
  });
  return { name, control, read: () => (control.value === "" ? undefined : options[Number(control.value)]) };
}

function checkField(id: string, name: string, schema: Schema, isRequired: boolean): FormField {
  const initial = schema.default === true;
  const control = element("input", { id, name, type: "checkbox", checked: initial });
  return { name, control, read: () => (isRequired || control.checked !== initial ? control.checked : undefined) };
}

function numberField(id: string, name: string, schema: Schema, kind: string, isRequired: boolean): FormField {
  const control = element("input", { id, name, type: "number", required: isRequired });
  control.step = kind === "integer" ? "1" : "any";
  if (schema.minimum !== undefined) control.min = String(schema.minimum);
  if (schema.maximum !== undefined) control.max = String(schema.maximum);
  if (schema.default !== undefined && schema.default !== null) control.placeholder = String(schema.default);
  return { name, control, read: () => (control.value === "" ? undefined : control.valueAsNumber) };
}

function textField(id: string, name: string, schema: Schema, isRequired: boolean): FormField {
  const control = element("input", { id, name, type: "text", required: isRequired, autocomplete: "off" });
  if (schema.maxLength !== undefined) control.maxLength = schema.maxLength;
  if (typeof schema.default === "string") control.placeholder = schema.default;
  // A required argument starts with the schema's example: an id cannot be guessed.
  if (isRequired && typeof schema.examples?.[0] === "string") control.value = schema.examples[0];
  return { name, control, read: () => (control.value === "" && !isRequired ? undefined : control.value) };
}

/** Lists, objects and whatever else the schema says are written as JSON. */
function jsonField(id: string, name: string, schema: Schema, isRequired: boolean): FormField {
  const control = element("textarea", { id, name, rows: 2, required: isRequired, spellcheck: false });
  control.placeholder = schema.default === undefined || schema.default === null ? "JSON" : JSON.stringify(schema.default);
  control.oninput = () => control.setCustomValidity(jsonProblem(control.value));
  return { name, control, read: () => (control.value.trim() === "" ? undefined : JSON.parse(control.value)) };
}

function jsonProblem(text: string): string {
  if (text.trim() === "") return "";
  try {
    JSON.parse(text);
    return "";
  } catch {
    return "Enter JSON, such as [\"one\", \"two\"] or {\"name\": \"value\"}.";
  }
}
