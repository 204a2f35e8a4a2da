/**
 * The freshness line under a widget that follows the world: how old it is, and how a person slows or pauses that.
 *
 * It only draws. What is true, and what a press means, is known in `live.ts`.
 */

import { announce, foot, make, makeButton } from "./shell";

/** What the line says besides the age. */
export type Freshness = "fresh" | "stale" | "paused" | "superseded";

interface Line {
  readonly state: Freshness;
  /** When what is shown was read, in milliseconds since 1970. */
  readonly readAt: number;
  /** Why it could not be read again. */
  readonly reason: string;
  /** Whether it refreshes by itself at all, so that it can be paused. */
  readonly isLive: boolean;
  /** Whether the person paused that. */
  readonly isResting: boolean;
  /** How often the connector wants it read; null when not by the clock. */
  readonly leastMs: number | null;
  /** How often the person wants it read; 0: as the connector says. */
  readonly chosenMs: number;
}

interface Presses {
  /** Try again, or open the latest. */
  retry(): void;
  pause(): void;
  choose(ms: number): void;
}

/** What is younger is told without a number that would be wrong at once. */
const JUST_NOW_S = 5;
const INTERVALS_S = [10, 30, 60, 300];
const OFFERS: Partial<Record<Freshness, string>> = { stale: "Try again", superseded: "Open latest" };

/** Says how old something is. `readAt` is in milliseconds since 1970. */
function sayAge(readAt: number): string | null {
  const seconds = Math.round((Date.now() - readAt) / 1000);
  if (seconds < JUST_NOW_S) return null;
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

const quiet = (run: () => void): HTMLElement => {
  const button = makeButton({ label: "", run }, "intarsia-button");
  button.dataset.variant = "quiet";
  return button;
};

let presses: Presses;
const line = make("div", "intarsia-freshness");
line.setAttribute("role", "group");
line.setAttribute("aria-label", "Updates");
const text = make("span", "intarsia-freshness__text");
const box = make("span", "intarsia-select__box");
const select = document.createElement("select");
select.className = "intarsia-input intarsia-select__input";
select.setAttribute("aria-label", "How often to update");
select.addEventListener("change", () => presses.choose(Number(select.value)));
box.append(select);
const offer = quiet(() => presses.retry());
const pause = quiet(() => presses.pause());
line.append(text, box, offer, pause);
line.hidden = true;

/** Puts the line into the document; what is pressed in it is told. */
export function startFreshness(told: Presses): void {
  presses = told;
  foot.append(line);
}

/** Draws the line anew; null takes it away. Only what differs is touched, so that it stays as calm as it is. */
export function drawFreshness(now: Line | null): void {
  line.hidden = !now;
  if (!now) {
    delete line.dataset.state;
    return;
  }
  const { state, isLive, isResting, leastMs, chosenMs } = now;
  if (line.dataset.state !== state) line.dataset.state = state;
  setText(text, sayFreshness(now));
  setText(offer, OFFERS[state] ?? "");
  offer.hidden = !OFFERS[state];
  setText(pause, isResting ? "Resume" : "Pause");
  pause.hidden = !isLive || state === "superseded";
  fillSelect(leastMs ?? Infinity, chosenMs);
  box.hidden = state !== "fresh" || select.length < 2;
}

function sayFreshness({ state, readAt, reason }: Line): string {
  const age = sayAge(readAt);
  const ago = age ? `${age} ago` : "just now";
  if (state === "fresh") return `Updated ${ago}`;
  if (state === "stale") return `Not refreshed for ${age ?? "a moment"}. ${reason}`;
  return `${state === "paused" ? "Paused" : "Opened again since"}. Showing what was read ${ago}. ${reason}`.trim();
}

/** Offers nothing that is more often than the connector wants. */
function fillSelect(leastMs: number, chosenMs: number): void {
  const offered = [0, ...INTERVALS_S.map((seconds) => seconds * 1000).filter((ms) => ms > leastMs && leastMs < Infinity)];
  if (offered.length !== select.length) {
    select.replaceChildren(...offered.map((ms) => new Option(ms ? `Every ${sayInterval(ms)}` : "Automatic", String(ms))));
  }
  const value = String(offered.includes(chosenMs) ? chosenMs : 0);
  if (select.value !== value) select.value = value;
}

const sayInterval = (ms: number): string => (ms < 60_000 ? `${ms / 1000} s` : `${ms / 60_000} min`);

function setText(element: HTMLElement, said: string): void {
  if (element.textContent !== said) element.textContent = said;
}

/** Says a state to a screen reader when a person or the world brought it about. */
export function announceFreshness(): void {
  announce(text.textContent ?? "");
}
