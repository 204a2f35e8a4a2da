/** The strip of switches over the conversation. */

import { element } from "../dom";
import { CHOICES, type Faults, type Patch, type SettingsStore } from "./store";

type Name = keyof typeof CHOICES;

const LABELS: Record<Exclude<Name, "theme">, string> = {
  width: "Width",
  max_height: "Height limit",
  display: "Display",
  locale: "Locale",
  time_zone: "Time zone",
  sandbox: "Sandbox",
  variables: "Style variables",
  era: "Protocol",
};

const WORDS: Record<string, string> = {
  full: "Full",
  inline: "Inline",
  fullscreen: "Full screen",
  spec: "Standard",
  opaque: "Opaque",
  loose: "Loose",
  all: "All",
  none: "None",
  auto: "Newest",
  "0": "None",
};

const FAULTS: { name: keyof Faults; label: string; on: unknown; off: unknown }[] = [
  { name: "ask", label: "Ask before changes", on: "changes", off: false },
  { name: "refuse_calls", label: "Refuse calls", on: "error", off: false },
  { name: "lose_answers", label: "Lose answers", on: "error", off: false },
  { name: "slow_ms", label: "Wait 2 s before each call", on: 2000, off: 0 },
  { name: "serialize", label: "One call at a time", on: true, off: false },
  { name: "strip_result_meta", label: "Strip pushed results", on: true, off: false },
  { name: "strip_request_meta", label: "Strip metadata of calls", on: true, off: false },
  { name: "no_arguments", label: "No tool arguments", on: true, off: false },
  { name: "no_tool_info", label: "No tool name", on: true, off: false },
  { name: "push_nothing", label: "Push nothing", on: true, off: false },
  { name: "name_prefix", label: "Prefix tool names", on: "server__", off: "" },
  { name: "lacks", label: "No calls by widgets", on: ["serverTools"], off: [] },
  { name: "ignore_size", label: "Ignore sizes", on: true, off: false },
  { name: "recreate_ms", label: "End widgets after a change", on: 2_500, off: 0 },
];

/** Fills the strip; `recreate` restarts the last View. */
export function showSettings(place: HTMLElement, settings: SettingsStore, recreate: () => void): void {
  const names = Object.keys(LABELS) as (keyof typeof LABELS)[];
  const again = element("button", { class: "button", type: "button" }, "Recreate View");
  again.onclick = recreate;
  place.append(
    ...names.map((name) => choice(name, settings)),
    check("Phone", () => settings.value.phone, (on) => settings.set({ phone: on }), settings),
    again,
    faultList(settings),
  );
}

function choice(name: keyof typeof LABELS, settings: SettingsStore): HTMLElement {
  const control = element("select", { name });
  const show = () => {
    const current = String(settings.value[name]);
    const options: string[] = [...CHOICES[name]];
    if (!options.includes(current)) options.unshift(current);
    control.replaceChildren(...options.map((value) => element("option", { value }, WORDS[value] ?? unit(name, value))));
    control.value = current;
  };
  control.onchange = () => {
    const value = name === "max_height" ? Number(control.value) : control.value;
    void settings.set({ [name]: value } as Patch);
  };
  settings.onChange(show);
  show();
  return element("label", { class: "setting" }, element("span", {}, LABELS[name]), control);
}

function unit(name: Name, value: string): string {
  return name === "width" || name === "max_height" ? `${value} px` : value;
}

function check(label: string, read: () => boolean, write: (on: boolean) => void, settings: SettingsStore): HTMLElement {
  const control = element("input", { type: "checkbox" });
  const show = () => void (control.checked = read());
  control.onchange = () => write(control.checked);
  settings.onChange(show);
  show();
  return element("label", { class: "setting check" }, control, element("span", {}, label));
}

function faultList(settings: SettingsStore): HTMLElement {
  const checks = FAULTS.map(({ name, label, on, off }) =>
    check(
      label,
      () => Boolean(settings.value.faults[name]),
      (isOn) => settings.set({ faults: { [name]: isOn ? on : off } as Partial<Faults> }),
      settings,
    ),
  );
  const folded = element("details", { class: "faults" }, element("summary", {}, "Faults"));
  folded.append(element("div", { class: "fault-list" }, ...checks));
  return folded;
}
