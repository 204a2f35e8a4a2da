/** Draws the freshness line: how old the widget is, Pause, and how often to update. What is true is known in `poller.ts`. */

import { announce, foot, make, makeButton } from "../ui/status_bar";

/** What the line says beside the age. */
export type Freshness = "fresh" | "stale" | "paused" | "superseded";

interface Line {
  readonly freshness: Freshness;
  /** When the widget was read, in milliseconds since 1970. */
  readonly updatedAt: number;
  /** Why it could not be read again. */
  readonly reason: string;
  /** It updates by itself, so that it can be paused. */
  readonly isLive: boolean;
  readonly isPaused: boolean;
  /** The shortest interval that the connector asks for; null when nothing is timed. */
  readonly minMs: number | null;
  /** The interval that the user chose; 0: as the connector says. */
  readonly chosenMs: number;
}

interface Handlers {
  /** Try again, or open the latest. */
  retry(): void;
  pause(): void;
  choose(ms: number): void;
}

/** Below this, the age is "just now": a number would be wrong at once. */
const JUST_NOW_SECONDS = 5;
const INTERVALS_SECONDS = [10, 30, 60, 300];
const RETRY_LABELS: Partial<Record<Freshness, string>> = { stale: "Try again", superseded: "Open latest" };

/** "12 s ago". `updatedAt` is in milliseconds since 1970. */
function describeAge(updatedAt: number): string {
  const seconds = Math.round((Date.now() - updatedAt) / 1000);
  if (seconds < JUST_NOW_SECONDS) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min ago` : `${Math.round(minutes / 60)} h ago`;
}

const makeQuiet = (run: () => void): HTMLElement => {
  const button = makeButton({ label: "", run }, "intarsia-button");
  button.dataset.variant = "quiet";
  return button;
};

let handlers: Handlers;
const line = make("div", "intarsia-freshness");
line.setAttribute("role", "group");
line.setAttribute("aria-label", "Updates");
const text = make("span", "intarsia-freshness__text");
const box = make("span", "intarsia-select__box");
const select = document.createElement("select");
select.className = "intarsia-input intarsia-select__input";
select.setAttribute("aria-label", "How often to update");
select.addEventListener("change", () => handlers.choose(Number(select.value)));
box.append(select);
const retry = makeQuiet(() => handlers.retry());
const pause = makeQuiet(() => handlers.pause());
line.append(text, box, retry, pause);
line.hidden = true;

/** Puts the line into the document. */
export function startFreshness(to: Handlers): void {
  handlers = to;
  foot.append(line);
}

/** Draws the line; null hides it. Only what differs is changed, so that focus and layout stay. */
export function drawFreshness(now: Line | null): void {
  line.hidden = !now;
  if (!now) {
    delete line.dataset.state;
    return;
  }
  const { freshness, isLive, isPaused, minMs, chosenMs } = now;
  if (line.dataset.state !== freshness) line.dataset.state = freshness;
  setText(text, describe(now));
  setText(retry, RETRY_LABELS[freshness] ?? "");
  retry.hidden = !RETRY_LABELS[freshness];
  setText(pause, isPaused ? "Resume" : "Pause");
  pause.hidden = !isLive || freshness === "superseded";
  fillSelect(minMs ?? Infinity, chosenMs);
  box.hidden = freshness !== "fresh" || select.length < 2;
}

const SENTENCES: Readonly<Record<Freshness, string>> = {
  fresh: "",
  stale: "Update failed. ",
  paused: "Paused. ",
  superseded: "A newer copy is open. ",
};

function describe({ freshness, updatedAt, reason }: Line): string {
  const age = describeAge(updatedAt);
  if (freshness === "fresh") return `Updated ${age}`;
  return `${SENTENCES[freshness]}Last updated ${age}. ${reason}`.trim();
}

/** Offers only intervals that are longer than the connector's own. */
function fillSelect(minMs: number, chosenMs: number): void {
  const offered = [0, ...INTERVALS_SECONDS.map((seconds) => seconds * 1000).filter((ms) => ms > minMs && minMs < Infinity)];
  if (offered.length !== select.length) {
    select.replaceChildren(...offered.map((ms) => new Option(ms ? `Every ${formatInterval(ms)}` : "Automatic", String(ms))));
  }
  const value = String(offered.includes(chosenMs) ? chosenMs : 0);
  if (select.value !== value) select.value = value;
}

const formatInterval = (ms: number): string => (ms < 60_000 ? `${ms / 1000} s` : `${ms / 60_000} min`);

function setText(element: HTMLElement, content: string): void {
  if (element.textContent !== content) element.textContent = content;
}

/** Reads the line out to screen readers, after it changed by more than the age. */
export function announceFreshness(): void {
  announce(text.textContent ?? "");
}
