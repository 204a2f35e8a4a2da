/** Keeps the host's colors readable where CSS alone cannot: picks the bands of `base.css` by the host's own ground, and
 * computes the tokens in browsers without relative colors. */

/** OKLCH: lightness from 0 to 1, chroma, hue in radians. */
type Oklch = [lightness: number, chroma: number, hue: number];

const page = document.documentElement;
const HAS_RELATIVE_COLORS = CSS.supports("color", "oklch(from red clamp(0, l, 1) c h)");

/** A ground that is darker than this gets the bands for dark. It lies between the surfaces of both. */
const DARK_BELOW = 0.62;

/** Each token of `base.css` that is made of a host's color: its name, the band of its lightness, its largest chroma. */
const TOKENS = [
  ["surface", "surface", 0.02],
  ["sunken", "sunken", 0.02],
  ["raised", "raised", 0.02],
  ["text", "text", 0.06],
  ["muted", "muted", 0.06],
  ["accent", "tone", 0.17],
  ["danger", "tone", 0.17],
  ["warning", "tone", 0.17],
  ["success", "tone", 0.17],
] as const;

/** Sets `data-theme`, which picks the bands: by the host's ground, where it sends one, else by its theme. A host may
 * announce "light" and send dark colors. `color-scheme` stays with what is announced, or the page would turn opaque. */
export function chooseBands(theme: "light" | "dark" | undefined): void {
  const ground = resolved("var(--color-background-primary, transparent)");
  if (ground) page.dataset.theme = oklchOf(ground)[0] < DARK_BELOW ? "dark" : "light";
  else if (theme) page.dataset.theme = theme;
  else delete page.dataset.theme;
  if (!HAS_RELATIVE_COLORS) computeTokens();
}

/** Sets the tokens to the colors that `base.css` gives in browsers with relative colors. */
export function computeTokens(): void {
  const bands = getComputedStyle(page);
  const limit = (name: string) => Number(bands.getPropertyValue(name));
  for (const [token, band, maxChroma] of TOKENS) {
    const color = resolved(`var(--host-${token})`);
    if (!color) continue;
    const [lightness, chroma, hue] = oklchOf(color);
    const inBand = clamp(lightness, limit(`--${band}-low`), limit(`--${band}-high`));
    set(token, [inBand, Math.min(chroma, maxChroma), hue]);
    if (token === "surface") set("on-accent", [inBand, 0, 0]);
    if (token === "muted") set("line-strong", [limit("--edge"), Math.min(chroma, 0.02), hue]);
  }
}

function set(token: string, color: Oklch): void {
  page.style.setProperty(`--intarsia-${token}`, `rgb(${rgbOf(color).join(" ")})`);
}

/** The red, green and blue of a CSS color, from 0 to 255. `undefined` if it is invalid or mostly transparent. */
function resolved(color: string): [number, number, number] | undefined {
  const probe = document.createElement("span");
  probe.style.color = "transparent";
  probe.style.backgroundColor = color;
  page.append(probe);
  const computed = getComputedStyle(probe).backgroundColor;
  probe.remove();
  const pixel = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  if (!pixel) return undefined;
  pixel.fillStyle = computed;
  pixel.fillRect(0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0, alpha = 0] = pixel.getImageData(0, 0, 1, 1).data;
  return alpha < 128 ? undefined : [red, green, blue];
}

/** Converts sRGB to OKLCH (https://bottosson.github.io/posts/oklab/). */
function oklchOf(color: [number, number, number]): Oklch {
  const [red, green, blue] = color.map((byte) => {
    const share = byte / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  const long = Math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue);
  const medium = Math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue);
  const short = Math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue);
  const a = 1.9779984951 * long - 2.428592205 * medium + 0.4505937099 * short;
  const b = 0.0259040371 * long + 0.7827717662 * medium - 0.808675766 * short;
  const lightness = 0.2104542553 * long + 0.793617785 * medium - 0.0040720468 * short;
  return [lightness, Math.hypot(a, b), Math.atan2(b, a)];
}

/** Converts OKLCH to sRGB, from 0 to 255, each channel clipped. */
function rgbOf([lightness, chroma, hue]: Oklch): number[] {
  const a = chroma * Math.cos(hue);
  const b = chroma * Math.sin(hue);
  const long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const short = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
    -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
    -0.0041960863 * long - 0.7034186147 * medium + 1.707614701 * short,
  ].map((linear) => {
    const share = clamp(linear, 0, 1);
    return Math.round(255 * (share <= 0.0031308 ? 12.92 * share : 1.055 * share ** (1 / 2.4) - 0.055));
  });
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
