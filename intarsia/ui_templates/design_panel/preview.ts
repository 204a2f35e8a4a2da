/** Draws the preview from the tokens: colors and numbers become custom properties, words become attributes. */

import { contrast, MIN_CONTRAST, mix, readableOn } from "./colors";

export type TokenValue = string | number | boolean;

/** Each token as its control shows it, with the unit of a number. */
export type Tokens = ReadonlyMap<string, { readonly value: TokenValue; readonly unit: string }>;

interface Palette {
  readonly accent: string;
  readonly link: string;
  readonly surface: string;
  readonly text: string;
}

/** For each slider that the preview knows: its bounds, in pixels unless it is a ratio. */
const BOUNDS: Readonly<Record<string, readonly [low: number, high: number, unit: string]>> = {
  radius: [0, 40, "px"],
  spacing: [0, 24, "px"],
  size: [10, 20, "px"],
  scale: [1, 2, ""],
};
const PIXELS_IN: Readonly<Record<string, number>> = { rem: 16, em: 16 };

const HEX = /^#[0-9a-f]{6}$/i;
const FONT = /^[a-z]+$/;

function colorOf(tokens: Tokens, name: string, fallback: string): string {
  const value = tokens.get(name)?.value;
  return typeof value === "string" && HEX.test(value) ? value : fallback;
}

function lightPalette(tokens: Tokens): Palette {
  const accent = colorOf(tokens, "accent", "#2456c9");
  return { accent, link: accent, surface: colorOf(tokens, "surface", "#ffffff"), text: colorOf(tokens, "text", "#1b1b1a") };
}

/** A dark theme as brands derive it: their hues in a dark ground and light words, and links a step lighter. */
function darkPalette({ accent, surface, text }: Palette): Palette {
  return { accent, link: mix(accent, "#ffffff", 0.6), surface: mix(surface, "#17171a", 0.04), text: mix(text, "#f6f6f4", 0.06) };
}

function paint(figure: HTMLElement, palette: Palette, tokens: Tokens): void {
  const { style } = figure;
  for (const [name, color] of Object.entries(palette)) style.setProperty(`--${name}`, color as string);
  style.setProperty("--on-accent", readableOn(palette.accent));
  for (const [name, [low, high, suffix]] of Object.entries(BOUNDS)) {
    const token = tokens.get(name);
    if (typeof token?.value !== "number") continue;
    const number = token.value * (PIXELS_IN[token.unit] ?? 1);
    style.setProperty(`--${name}`, `${Math.min(Math.max(number, low), high)}${suffix}`);
  }
  const font = String(tokens.get("font")?.value ?? "system");
  figure.dataset.font = FONT.test(font) ? font : "system";
  figure.toggleAttribute("data-shadow", tokens.get("shadow")?.value === true);
}

function tellContrast(figure: HTMLElement, { accent, link, surface, text }: Palette): void {
  const ratios = {
    text: contrast(text, surface),
    link: contrast(link, surface),
    button: contrast(readableOn(accent), accent),
  };
  const failing: string[] = [];
  for (const [pair, ratio] of Object.entries(ratios)) {
    const line = figure.querySelector<HTMLElement>(`[data-pair="${pair}"]`);
    const fails = ratio < MIN_CONTRAST;
    // Cut, not rounded: 4.49 must not read as a passing 4.5.
    const words = `${Math.floor(ratio * 10) / 10}:1 ${fails ? "fails" : "passes"}`;
    line?.toggleAttribute("data-fails", fails);
    line?.querySelector("dd")?.replaceChildren(words);
    if (fails) failing.push(`${pair} ${words}`);
  }
  const verdict = figure.querySelector<HTMLElement>(".intarsia-preview__verdict");
  verdict?.toggleAttribute("data-fails", failing.length > 0);
  verdict?.replaceChildren(failing.length ? `Contrast: ${failing.join(", ")}` : "Contrast passes");
}

/** Draws every preview in a panel. */
export function drawPreviews(root: HTMLElement, tokens: Tokens): void {
  const light = lightPalette(tokens);
  for (const figure of root.querySelectorAll<HTMLElement>(".intarsia-preview")) {
    const palette = figure.dataset.mode === "dark" ? darkPalette(light) : light;
    paint(figure, palette, tokens);
    tellContrast(figure, palette);
  }
}
