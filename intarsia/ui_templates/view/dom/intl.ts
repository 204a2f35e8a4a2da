/** Numbers, dates and durations in the host's locale and time zone: `<data value data-format>`, `<time datetime data-format>`. */

import { viewContext } from "../host/theme";

type Formatter = (value: string) => string | null;

const DATE_ONLY = /^\d{4}-\d\d-\d\d$/;
const RELATIVE_EVERY_MS = 30_000;

/** The largest unit that fits is used; each number is how many of a unit make the next one. */
const RELATIVE_UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["second", 60],
  ["minute", 60],
  ["hour", 24],
  ["day", 30],
  ["month", 12],
  ["year", Infinity],
];

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
  const text = formatterFor(isTime, element.dataset.format ?? "", DATE_ONLY.test(value))(value);
  if (text !== null && text !== element.textContent) element.textContent = text;
}

function formatterFor(isTime: boolean, format: string, isDateOnly: boolean): Formatter {
  const key = `${isTime}${isDateOnly}${format}`;
  const formatter = formatters.get(key) ?? makeFormatter(isTime, format, isDateOnly);
  formatters.set(key, formatter);
  return formatter;
}

function makeFormatter(isTime: boolean, format: string, isDateOnly: boolean): Formatter {
  try {
    const options = JSON.parse(format) as Record<string, unknown>;
    if (!isTime) return numberFormatter(options);
    return options.relative ? relativeFormatter(options) : dateFormatter(options, isDateOnly);
  } catch {
    return () => null; // Intl does not know these options
  }
}

function numberFormatter(options: Intl.NumberFormatOptions): Formatter {
  const intl = new Intl.NumberFormat(viewContext().locale, options);
  return (value) => (value.trim() && !Number.isNaN(Number(value)) ? intl.format(Number(value)) : null);
}

/** A date without a time has no time zone: converting it could show the day before. */
function dateFormatter(options: Intl.DateTimeFormatOptions, isDateOnly: boolean): Formatter {
  const { locale, timeZone } = viewContext();
  const zone = isDateOnly ? "UTC" : timeZone;
  const intl = new Intl.DateTimeFormat(locale, zone ? { timeZone: zone, ...options } : options);
  return (value) => {
    const date = new Date(value);
    return Number.isNaN(date.getTime()) ? null : intl.format(date);
  };
}

function relativeFormatter(options: Record<string, unknown>): Formatter {
  const { relative: _relative, ...rest } = options;
  const intl = new Intl.RelativeTimeFormat(viewContext().locale, { numeric: "auto", ...rest });
  return (value) => {
    let amount = (Date.parse(value) - Date.now()) / 1000;
    if (Number.isNaN(amount)) return null;
    for (const [unit, size] of RELATIVE_UNITS) {
      if (Math.abs(amount) < size) return intl.format(Math.trunc(amount), unit);
      amount /= size;
    }
    return null;
  };
}
