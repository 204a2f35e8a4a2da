/** The host's look and place, put on `<html>`: variables, theme, fonts, language, display mode, safe areas. */

import type { DisplayMode, ViewContext } from "./behavior";
import type { HostContext } from "./bridge";

/** The families of names that the protocol defines; a host's own names stay out, and ours cannot be overwritten. */
const VARIABLE = /^--(?:color|font|border|shadow)-/;

const RIGHT_TO_LEFT = /^(?:ar|ckb|dv|fa|he|ps|sd|ug|ur|yi)\b/;
const FONTS_ID = "__mcp-host-fonts";

const page = document.documentElement;
const listeners = new Set<(context: ViewContext) => void>();
let told: HostContext = {};
let applied: string[] = [];

/** What the host said about itself and the View's place, all of it. */
export function hostContext(): HostContext {
  return told;
}

/** Merges what changed, shallowly as the protocol says, and shows it. */
export function applyContext(change: HostContext): void {
  told = { ...told, ...change };
  applyLook();
  applyPlace();
  applyLanguage();
  for (const listener of [...listeners]) listener(viewContext());
}

/** Runs the listener at each change. Returns what stops it. */
export function onContext(listener: (context: ViewContext) => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** The part of the host's context that widgets may ask for, with defaults filled in. */
export function viewContext(): ViewContext {
  return {
    locale: localeOf(told.locale),
    timeZone: told.timeZone,
    touch: told.deviceCapabilities?.touch ?? matchMedia("(pointer: coarse)").matches,
    displayMode: told.displayMode ?? "inline",
    displayModes: told.availableDisplayModes ?? [],
    theme: told.theme,
    containerDimensions: (told.containerDimensions ?? {}) as ViewContext["containerDimensions"],
  };
}

/** Notes a display mode that the host has just granted, before it says so itself. */
export function noteDisplayMode(displayMode: DisplayMode): void {
  applyContext({ displayMode });
}

function localeOf(locale: unknown): string {
  try {
    return Intl.getCanonicalLocales(locale as string)[0] ?? navigator.language;
  } catch {
    return navigator.language; // a host's "en_US" is no BCP 47
  }
}

function applyLook(): void {
  const { theme, styles } = told;
  if (theme === "light" || theme === "dark") {
    page.dataset.theme = theme;
    page.style.colorScheme = theme;
  }
  const variables = Object.entries(styles?.variables ?? {}).filter(([name, value]) => value && VARIABLE.test(name));
  for (const name of applied) page.style.removeProperty(name);
  for (const [name, value] of variables) page.style.setProperty(name, String(value));
  applied = variables.map(([name]) => name);

  const fonts = styles?.css?.fonts;
  if (!fonts || document.getElementById(FONTS_ID)) return;
  const sheet = document.createElement("style");
  sheet.id = FONTS_ID;
  sheet.textContent = fonts;
  document.head.append(sheet);
}

function applyPlace(): void {
  const { touch, displayMode } = viewContext();
  page.dataset.display = displayMode;
  page.toggleAttribute("data-touch", touch);
  if (told.platform) page.dataset.platform = told.platform;
  for (const side of ["top", "right", "bottom", "left"] as const) {
    const inset = Number(told.safeAreaInsets?.[side]);
    if (inset >= 0) page.style.setProperty(`--intarsia-safe-${side}`, `${inset}px`);
  }
}

function applyLanguage(): void {
  const { locale } = viewContext();
  page.lang = locale;
  page.dir = RIGHT_TO_LEFT.test(locale) ? "rtl" : "ltr";
}
