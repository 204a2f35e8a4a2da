/** Colors as numbers: contrast as WCAG 2.2 counts it, and mixtures. A color is six hexadecimal digits after `#`. */

/** The least contrast of text that passes WCAG AA. */
export const MIN_CONTRAST = 4.5;

function channels(color: string): readonly [number, number, number] {
  const number = parseInt(color.slice(1), 16);
  return [(number >> 16) & 255, (number >> 8) & 255, number & 255];
}

function luminance(color: string): number {
  const [red, green, blue] = channels(color).map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** The contrast ratio of two colors, from 1 to 21. */
export function contrast(one: string, other: string): number {
  const [low, high] = [luminance(one), luminance(other)].sort((left, right) => left - right) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

/** Mixes `share` (0 to 1) of one color into another. */
export function mix(color: string, into: string, share: number): string {
  const [from, to] = [channels(color), channels(into)];
  const mixed = from.map((value, place) => Math.round(value * share + (to[place] ?? 0) * (1 - share)));
  return `#${mixed.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** White on a color as long as it can be read there, as brands do; else black or white, whichever reads better. */
export function readableOn(color: string): string {
  const withWhite = contrast("#ffffff", color);
  return withWhite >= MIN_CONTRAST || withWhite >= contrast("#000000", color) ? "#ffffff" : "#000000";
}
