/** Applies the host context to `<html>`: style variables, theme, fonts, language, display mode, safe areas. */

import type { DisplayMode, ViewContext } from "../behavior";
import type { HostContext } from "./bridge";
import { chooseBands } from "./contrast";

/** The names that the protocol defines. A host's other names are left out, so that ours cannot be overwritten. */
const VARIABLE = /^--(?:color|font|border|shadow)-/;

const RIGHT_TO_LEFT = /^(?:ar|ckb|dv|fa|he|ps|sd|ug|ur|yi)\b/;
const FONTS_ID = "__mcp-host-fonts";

const page = document.documentElement;
const listeners = new Set<(context: ViewContext) => void>();
let current: HostContext = {};
let applied: string[] = [];

/** The host context, merged from all changes. */
export function hostContext(): HostContext {
  return current;
}

/** Merges a change, shallowly as the protocol defines it, and applies it. */
export function applyContext(change: HostContext): void {
  current = { ...current, ...change };
  applyStyles();
  applyDisplay();
  applyLanguage();
  for (const listener of [...listeners]) listener(viewContext());
}

/** Runs the listener at each change. Returns a function that stops it. */
export function onContext(listener: (context: ViewContext) => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** The part of the host context that behaviors can read, with defaults. */
export function viewContext(): ViewContext {
  return {
    locale: localeOf(current.locale),
    timeZone: current.timeZone,
    touch: current.deviceCapabilities?.touch ?? matchMedia("(pointer: coarse)").matches,
    displayMode: current.displayMode ?? "inline",
    displayModes: current.availableDisplayModes ?? [],
    theme: current.theme,
    containerDimensions: (current.containerDimensions ?? {}) as ViewContext["containerDimensions"],
  };
}

/** Applies a display mode that the host has granted, before its notification comes. */
export function applyDisplayMode(displayMode: DisplayMode): void {
  applyContext({ displayMode });
}

function localeOf(locale: unknown): string {
  try {
    return Intl.getCanonicalLocales(locale as string)[0] ?? navigator.language;
  } catch {
    return navigator.language; // some hosts send "en_US", which is not BCP 47
  }
}

function applyStyles(): void {
  const { theme, styles } = current;
  const known = theme === "light" || theme === "dark" ? theme : undefined;
  if (known) page.style.colorScheme = known;
  const variables = Object.entries(styles?.variables ?? {}).filter(([name, value]) => value && VARIABLE.test(name));
  for (const name of applied) page.style.removeProperty(name);
  for (const [name, value] of variables) page.style.setProperty(name, String(value));
  applied = variables.map(([name]) => name);
  chooseBands(known);

  const fonts = styles?.css?.fonts;
  if (!fonts || document.getElementById(FONTS_ID)) return;
  const sheet = document.createElement("style");
  sheet.id = FONTS_ID;
  sheet.textContent = fonts;
  document.head.append(sheet);
}

function applyDisplay(): void {
  const { touch, displayMode } = viewContext();
  page.dataset.display = displayMode;
  page.toggleAttribute("data-touch", touch);
  if (current.platform) page.dataset.platform = current.platform;
  for (const side of ["top", "right", "bottom", "left"] as const) {
    const inset = Number(current.safeAreaInsets?.[side]);
    if (inset >= 0) page.style.setProperty(`--intarsia-safe-${side}`, `${inset}px`);
  }
}

function applyLanguage(): void {
  const { locale } = viewContext();
  page.lang = locale;
  page.dir = RIGHT_TO_LEFT.test(locale) ? "rtl" : "ltr";
}
