/** Settings and faults, changed by the user, by the URL or by tests. */

export type Flavor = "spec" | "opaque" | "loose";
export type Era = "auto" | "2026-07-28" | "2025-11-25";
export type Display = "inline" | "fullscreen";
export type Field = "_meta" | "structuredContent";

/** What a faulty host does to a widget. With everything off, the host is a correct one. */
export interface Faults {
  /** Fields that are dropped from pushed tool results; responses to the View's own calls stay whole. */
  strip_result_meta: boolean | Field[];
  /** Drop `_meta` from the View's calls. */
  strip_request_meta: boolean;
  /** Send `tool-input` without arguments. */
  no_arguments: boolean;
  /** Leave `toolInfo` out of the host context. */
  no_tool_info: boolean;
  /** Push neither the tool's input nor its result, like a host that opens an old chat again. */
  push_nothing: boolean;
  /** What is put before the tool's name in `toolInfo`. */
  name_prefix: string;
  /** What the host cannot do: names of host capabilities, and `fullscreen`. */
  lacks: string[];
  /** Refuse the View's calls: with a JSON-RPC error, or with an `isError` result. */
  refuse_calls: false | "error" | "result";
  /** Ask the user before each of the View's calls, or only before those that are not marked as reading. */
  ask: boolean | "changes";
  /** Milliseconds that each of the View's calls waits before it goes to the server. */
  slow_ms: number;
  /** Pass on one of the View's calls at a time. */
  serialize: boolean;
  /** The call reaches the server, and its response becomes an error or never comes. */
  lose_answers: false | "error" | "never";
  /** Keep the View's calls or their responses until `release()`. */
  hold: false | "request" | "answer";
  /** Do not follow the View's size. */
  ignore_size: boolean;
  /** End a View's document when it has changed something, and restart it so many milliseconds later; 0 leaves it. */
  recreate_ms: number;
  /** Read the View from this address instead of the tool's. */
  view_uri: string | null;
  /** The faults of calls hit these tools alone; null hits all. */
  only: string[] | null;
}

export interface Settings {
  theme: "light" | "dark";
  /** Whether the host sends its 76 style variables. */
  variables: "all" | "none";
  width: "320" | "480" | "760" | "full";
  /** Pixels that a widget may be high inline; 0 for no limit. */
  max_height: number;
  locale: string;
  time_zone: string;
  display: Display;
  /** Behave as a phone: touch, inline only, Views that end when they scroll away. */
  phone: boolean;
  sandbox: Flavor;
  era: Era;
  faults: Faults;
}

export type Patch = Partial<Omit<Settings, "faults">> & { faults?: Partial<Faults> };

const NO_FAULTS: Faults = {
  strip_result_meta: false,
  strip_request_meta: false,
  no_arguments: false,
  no_tool_info: false,
  push_nothing: false,
  name_prefix: "",
  lacks: [],
  refuse_calls: false,
  ask: false,
  slow_ms: 0,
  serialize: false,
  lose_answers: false,
  hold: false,
  ignore_size: false,
  recreate_ms: 0,
  view_uri: null,
  only: null,
};

export const CHOICES = {
  theme: ["light", "dark"],
  width: ["320", "480", "760", "full"],
  locale: ["en-US", "en-GB", "de-DE", "fr-FR", "ar-EG", "hi-IN", "ja-JP"],
  time_zone: ["UTC", "America/New_York", "Europe/Berlin", "Africa/Cairo", "Asia/Kolkata", "Asia/Tokyo"],
  display: ["inline", "fullscreen"],
  sandbox: ["spec", "opaque", "loose"],
  variables: ["all", "none"],
  max_height: ["500", "760", "0"],
  era: ["auto", "2026-07-28", "2025-11-25"],
} as const;

type Listener = (settings: Settings, before: Settings) => void | Promise<void>;

export class SettingsStore {
  #value: Settings;
  readonly #listeners: Listener[] = [];

  constructor(query: URLSearchParams) {
    this.#value = { ...defaults(), ...fromQuery(query) };
  }

  get value(): Settings {
    return this.#value;
  }

  /** Changes some settings; resolves when everything that follows from them is done. */
  async set(patch: Patch): Promise<void> {
    const before = this.#value;
    const { faults, ...rest } = patch;
    for (const name of Object.keys(rest)) {
      if (!(name in before)) throw new Error(`There is no setting ${name}.`);
    }
    for (const name of Object.keys(faults ?? {})) {
      if (!(name in before.faults)) throw new Error(`There is no fault ${name}.`);
    }
    this.#value = { ...before, ...rest, faults: { ...before.faults, ...faults } };
    await Promise.all(this.#listeners.map((listener) => listener(this.#value, before)));
  }

  onChange(listener: Listener): void {
    this.#listeners.push(listener);
  }
}

function defaults(): Settings {
  const here = new Intl.DateTimeFormat().resolvedOptions();
  return {
    theme: matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light",
    variables: "all",
    width: "760",
    max_height: 500,
    locale: here.locale,
    time_zone: here.timeZone,
    display: "inline",
    phone: false,
    sandbox: "spec",
    era: "auto",
    faults: NO_FAULTS,
  };
}

/** Reads settings from a URL such as `?theme=dark&width=320&faults={"ask":true}`. */
function fromQuery(query: URLSearchParams): Partial<Settings> {
  const found: Record<string, unknown> = {};
  for (const [name, text] of query) {
    if (name === "phone") found["phone"] = text === "1" || text === "true";
    else if (name === "max_height") found[name] = Number(text) || 0;
    else if (name === "faults") found[name] = { ...NO_FAULTS, ...(JSON.parse(text) as Partial<Faults>) };
    else if (name === "locale" || name === "time_zone") found[name] = text;
    else if (isChoice(name, text)) found[name] = text;
  }
  return found as Partial<Settings>;
}

function isChoice(name: string, text: string): boolean {
  return name in CHOICES && (CHOICES[name as keyof typeof CHOICES] as readonly string[]).includes(text);
}
