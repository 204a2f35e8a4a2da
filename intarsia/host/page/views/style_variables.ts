/** The 76 style variables of MCP Apps, with the values of this host. A `light-dark()` needs the View's `color-scheme`. */

import type { McpUiStyles } from "@modelcontextprotocol/ext-apps/app-bridge";

type Pair = readonly [light: string, dark: string];

const BACKGROUNDS: Record<string, Pair> = {
  primary: ["#ffffff", "#1f1f1d"],
  secondary: ["#f7f6f3", "#282826"],
  tertiary: ["#eeece6", "#343431"],
  inverse: ["#1b1b19", "#f4f3ef"],
  ghost: ["rgb(255 255 255 / 0)", "rgb(31 31 29 / 0)"],
  info: ["#e7effc", "#1d2d47"],
  danger: ["#fcebea", "#472220"],
  success: ["#e6f4ea", "#1c3726"],
  warning: ["#fbf0dc", "#42321a"],
  disabled: ["#f3f2ee", "#2a2a28"],
};

const TEXTS: Record<string, Pair> = {
  primary: ["#1b1b19", "#f4f3ef"],
  secondary: ["#55534c", "#bdbab1"],
  tertiary: ["#706d65", "#9a978e"],
  inverse: ["#ffffff", "#1b1b19"],
  ghost: ["#706d65", "#9a978e"],
  info: ["#1f56b0", "#8fb8f6"],
  danger: ["#b3261e", "#f2a7a1"],
  success: ["#1c6b3a", "#86d3a2"],
  warning: ["#85560a", "#e7bd70"],
  disabled: ["#a3a097", "#6e6c65"],
};

const BORDERS: Record<string, Pair> = {
  primary: ["#d9d6cd", "#45443f"],
  secondary: ["#e6e4dd", "#383733"],
  tertiary: ["#f0eee9", "#2e2d2a"],
  inverse: ["#ffffff", "#1b1b19"],
  ghost: ["rgb(0 0 0 / 0)", "rgb(0 0 0 / 0)"],
  info: ["#a9c6f5", "#34558c"],
  danger: ["#efb4af", "#86413c"],
  success: ["#a5d6b6", "#2f6a47"],
  warning: ["#e9c98d", "#7c5f2c"],
  disabled: ["#ebe9e3", "#33322f"],
};

const RINGS: Record<string, Pair> = {
  primary: ["#2f6fde", "#7aa9f7"],
  secondary: ["#a3a097", "#6e6c65"],
  inverse: ["#ffffff", "#1b1b19"],
  info: ["#2f6fde", "#7aa9f7"],
  danger: ["#c9372c", "#ee8a82"],
  success: ["#258a4c", "#67bf88"],
  warning: ["#b0760f", "#d9a94f"],
};

const SIZES: Record<string, readonly [size: string, lineHeight: string]> = {
  "text-xs": ["12px", "16px"],
  "text-sm": ["14px", "20px"],
  "text-md": ["16px", "24px"],
  "text-lg": ["18px", "28px"],
  "heading-xs": ["12px", "16px"],
  "heading-sm": ["14px", "20px"],
  "heading-md": ["16px", "24px"],
  "heading-lg": ["20px", "28px"],
  "heading-xl": ["24px", "32px"],
  "heading-2xl": ["30px", "36px"],
  "heading-3xl": ["36px", "44px"],
};

const PLAIN: Record<string, string> = {
  "--font-sans": 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif',
  "--font-mono": 'ui-monospace, "SF Mono", Menlo, Consolas, monospace',
  "--font-weight-normal": "400",
  "--font-weight-medium": "500",
  "--font-weight-semibold": "600",
  "--font-weight-bold": "700",
  "--border-radius-xs": "4px",
  "--border-radius-sm": "6px",
  "--border-radius-md": "8px",
  "--border-radius-lg": "10px",
  "--border-radius-xl": "14px",
  "--border-radius-full": "9999px",
  "--border-width-regular": "1px",
  "--shadow-hairline": "0 0 0 1px rgb(0 0 0 / 0.06)",
  "--shadow-sm": "0 1px 2px rgb(0 0 0 / 0.06)",
  "--shadow-md": "0 2px 8px rgb(0 0 0 / 0.1)",
  "--shadow-lg": "0 8px 24px rgb(0 0 0 / 0.14)",
};

/** All variables, as `hostContext.styles.variables` takes them. */
export function styleVariables(): McpUiStyles {
  const variables: Record<string, string> = { ...PLAIN };
  const groups = { background: BACKGROUNDS, text: TEXTS, border: BORDERS, ring: RINGS };
  for (const [group, pairs] of Object.entries(groups)) {
    for (const [name, [light, dark]] of Object.entries(pairs)) {
      variables[`--color-${group}-${name}`] = `light-dark(${light}, ${dark})`;
    }
  }
  for (const [name, [size, lineHeight]] of Object.entries(SIZES)) {
    variables[`--font-${name}-size`] = size;
    variables[`--font-${name}-line-height`] = lineHeight;
  }
  return variables as McpUiStyles;
}
