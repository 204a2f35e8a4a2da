/**
 * Numbers, dates, times and durations for one locale and time zone. The counterpart on the server is `value_format.py`;
 * both are tested with `tests/values/cases.json`, so that users and models never read different numbers.
 *
 * Numbers are decimal text, never `Number`: that would change what has more than 15 digits.
 */

export type Formatter = (value: string) => string | null;
export type Options = Readonly<Record<string, unknown>>;

/** What a value is written for. */
export interface Reader {
  readonly locale: string;
  /** The time zone of the user; by default that of the browser. */
  readonly timeZone?: string | undefined;
  /** The current time. */
  readonly now: () => Date;
}

const NUMBER = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i;
const DATE = /^\d{4}-\d\d-\d\d$/;
const TIME = /^\d\d:\d\d/;
const HAS_OFFSET = /(Z|[+-]\d\d:\d\d)$/;
const DURATION = /^([-+]?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?$/;
const DURATION_UNITS = ["day", "hour", "minute", "second"] as const;

/** Browsers of before 2023 round decimal text to a `Number` first. */
const READS_DECIMALS = new Intl.NumberFormat("en", { useGrouping: false }).format("9007199254740993" as never) === "9007199254740993";

/** The largest unit that fits is used; each number is how many of a unit make the next one. */
const RELATIVE_UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["second", 60],
  ["minute", 60],
  ["hour", 24],
  ["day", 30],
  ["month", 12],
  ["year", Infinity],
];

/** A formatter of `<data>`: a number, or a duration in ISO 8601. It returns null for what it cannot format exactly. */
export function dataFormatter(options: Options, { locale }: Reader): Formatter {
  return options.duration ? durationFormatter(locale) : numberFormatter(options, locale);
}

/** A formatter of `<time>`: a date, a time of day or both, with or without an offset from UTC. */
export function timeFormatter(options: Options, reader: Reader): Formatter {
  return options.relative ? relativeFormatter(options, reader) : momentFormatter(options, reader);
}

function numberFormatter(options: Options, locale: string): Formatter {
  const intl = new Intl.NumberFormat(locale, { signDisplay: "negative", ...options } as object);
  return (value) => (NUMBER.test(value) && (READS_DECIMALS || isShort(value)) ? intl.format(value as never) : null);
}

/** Whether a `Number` has room for all digits. */
function isShort(value: string): boolean {
  return value.replace(/e.*/i, "").replace(/\D/g, "").length <= 15;
}

function durationFormatter(locale: string): Formatter {
  const list = new Intl.ListFormat(locale, { type: "unit", style: "narrow" });
  return (value) => {
    const found = DURATION.exec(value);
    if (!found) return null;
    const parts = DURATION_UNITS.flatMap((unit, index) => {
      const count = found[index + 2];
      return count ? [{ unit, count }] : [];
    });
    // The sign is that of the whole duration, and stands once.
    return list.format(parts.map((part, index) => writePart(part, locale, index ? "" : (found[1] ?? ""))));
  };
}

function writePart({ unit, count }: { unit: string; count: string }, locale: string, sign: string): string {
  const minimumFractionDigits = (count.split(".")[1] ?? "").length;
  const signDisplay = sign === "+" ? "always" : "auto";
  const intl = new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "short", minimumFractionDigits, signDisplay });
  return intl.format((sign === "-" ? `-${count}` : count) as never);
}

/**
 * What has no offset has no time zone, and is shown as it is: converting it could show another hour, or the day before.
 * The year "auto" is shown unless it is this year.
 */
function momentFormatter(options: Options, { locale, timeZone, now }: Reader): Formatter {
  const { year, ...rest } = options;
  const always = year === undefined || year === "auto" ? rest : options;
  const make = (wanted: object, zone: string | undefined): Intl.DateTimeFormat =>
    new Intl.DateTimeFormat(locale, { timeZone: zone, ...wanted } as object);
  const short = perZone((zone) => make(always, zone));
  const long = perZone((zone) => make({ ...rest, year: "numeric" }, zone));
  return (value) => {
    const date = new Date(withOffset(value));
    if (Number.isNaN(date.getTime())) return null;
    const zone = HAS_OFFSET.test(value) ? timeZone : "UTC";
    const isOfOtherYear = year === "auto" && yearOf(date, zone) !== yearOf(now(), timeZone);
    return (isOfOtherYear ? long : short)(zone).format(date);
  };
}

/** Keeps the formatter of each time zone: making one takes longer than using it a hundred times. */
function perZone(make: (zone: string | undefined) => Intl.DateTimeFormat): typeof make {
  const made = new Map<string | undefined, Intl.DateTimeFormat>();
  return (zone) => {
    const formatter = made.get(zone) ?? make(zone);
    made.set(zone, formatter);
    return formatter;
  };
}

/** Text that `Date` parses as it stands, whatever the time zone of the browser is. */
function withOffset(value: string): string {
  if (DATE.test(value)) return `${value}T00:00Z`;
  if (TIME.test(value)) return `1970-01-01T${value}Z`;
  return HAS_OFFSET.test(value) ? value : `${value}Z`;
}

const yearFormatter = perZone((timeZone) => new Intl.DateTimeFormat("en", { timeZone, year: "numeric", calendar: "gregory" } as object));

const yearOf = (date: Date, timeZone: string | undefined): string => yearFormatter(timeZone).format(date);

/** Nobody knows how long ago a time without an offset was; it keeps the server's text. */
function relativeFormatter(options: Options, { locale, now }: Reader): Formatter {
  const { relative: _relative, ...rest } = options;
  const intl = new Intl.RelativeTimeFormat(locale, { numeric: "auto", ...rest });
  return (value) => {
    if (TIME.test(value) || (!HAS_OFFSET.test(value) && !DATE.test(value))) return null;
    let amount = (Date.parse(value) - now().getTime()) / 1000;
    if (Number.isNaN(amount)) return null;
    for (const [unit, size] of RELATIVE_UNITS) {
      if (Math.abs(amount) < size) return intl.format(Math.trunc(amount), unit);
      amount /= size;
    }
    return null;
  };
}
