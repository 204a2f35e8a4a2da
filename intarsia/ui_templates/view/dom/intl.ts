/** Formats elements in the host's locale and time zone: `<data value data-format>`, `<time datetime data-format>`. */

import { viewContext } from "../host/theme";
import { dataFormatter, type Formatter, type Options, type Reader, timeFormatter } from "./values";

const RELATIVE_EVERY_MS = 30_000;

let formatters = new Map<string, Formatter>();

/** Formats every element with `data-format`. What cannot be formatted keeps the server's text. */
export function formatAll(root: ParentNode): void {
  for (const element of root.querySelectorAll<HTMLElement>("data[data-format],time[data-format]")) formatOne(element);
}

/** Formats everything again: the locale or the time zone changed. */
export function reformat(root: ParentNode): void {
  formatters = new Map();
  formatAll(root);
}

/** Updates texts like "3 minutes ago" while the page is visible. */
export function startRelativeTimes(root: ParentNode): void {
  setInterval(() => {
    if (document.hidden) return;
    for (const element of root.querySelectorAll<HTMLElement>('time[data-format*="relative"]')) formatOne(element);
  }, RELATIVE_EVERY_MS);
}

function formatOne(element: HTMLElement): void {
  const isTime = element.tagName === "TIME";
  const value = element.getAttribute(isTime ? "datetime" : "value") ?? "";
  const text = formatted(formatterFor(isTime, element.dataset.format ?? ""), value);
  if (text !== null && text !== element.textContent) element.textContent = text;
}

function formatterFor(isTime: boolean, format: string): Formatter {
  const key = `${isTime}${format}`;
  const formatter = formatters.get(key) ?? makeFormatter(isTime, format);
  formatters.set(key, formatter);
  return formatter;
}

function makeFormatter(isTime: boolean, format: string): Formatter {
  const { locale, timeZone } = viewContext();
  const reader: Reader = { locale, timeZone, now: () => new Date() };
  try {
    const options = JSON.parse(format) as Options;
    return isTime ? timeFormatter(options, reader) : dataFormatter(options, reader);
  } catch {
    return () => null; // Intl does not know these options
  }
}

function formatted(formatter: Formatter, value: string): string | null {
  try {
    return formatter(value);
  } catch {
    return null; // or does not know them for this value
  }
}
