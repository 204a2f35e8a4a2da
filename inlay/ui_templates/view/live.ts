/** Refreshing by itself what asks for it (`data-refresh`): one loop, one request, never unseen, slower when it fails. */

import type { ProblemKind } from "./behavior";
import { isHeld } from "./hold";
import { isBusy } from "./lane";
import { shownWidget } from "./parts";
import { read } from "./reads";
import { markFresh, markStale, showState } from "./shell";
import { isOurs, place } from "./stage";

/** At most 20 calls a minute. */
const SHORTEST_MS = 3_000;
const LONGEST_MS = 5 * 60_000;
const IDLE_MS = 15 * 60_000;
/** Calls due this close to each other are one call. */
const TOGETHER_MS = 500;
/** What is held or busy now is tried again after this. */
const SOON_MS = 250;

let timer: number | undefined;
let isOnScreen = true;
let isStopped = false;
let lastSignOfLife = Date.now();
let failures = 0;
/** When the whole widget was last read, and when anything of it was. */
let wholeAt = Date.now();
let anythingAt = Date.now();
/** When each refreshing element was read since then, by its tile's name or its id. */
let readAt = new Map<string, number>();
/** What the refresh that is on its way asks for; null when it asks for everything. */
let asked: readonly Refreshing[] | null = null;

interface Refreshing {
  readonly name: string;
  readonly tile: string | undefined;
  readonly dueAt: number;
}

function listRefreshing(): Refreshing[] {
  const elements = [...place.querySelectorAll<HTMLElement>("[data-refresh]")].filter(isOurs);
  return elements.map((element) => {
    const { refresh, tile } = element.dataset;
    const name = tile ?? element.id;
    const wanted = Math.max(SHORTEST_MS, Number(refresh) * 1000 || LONGEST_MS);
    const interval = Math.min(wanted * 2 ** failures, Math.max(wanted, LONGEST_MS));
    return { name, tile, dueAt: (readAt.get(name) ?? wholeAt) + interval };
  });
}

/** Nobody looks, or nobody is there any more. */
function isPaused(): boolean {
  return isStopped || document.hidden || !isOnScreen || Date.now() - lastSignOfLife > IDLE_MS;
}

function schedule(): void {
  clearTimeout(timer);
  const next = Math.min(...listRefreshing().map(({ dueAt }) => dueAt));
  if (isPaused() || next === Infinity) return;
  timer = window.setTimeout(() => void refresh(), Math.max(next - Date.now(), SOON_MS));
}

async function refresh(): Promise<void> {
  const widget = shownWidget();
  if (!widget || isPaused() || isBusy() || isHeld()) return schedule();
  const due = listRefreshing().filter(({ dueAt }) => dueAt <= Date.now() + TOGETHER_MS);
  if (!due.length) return schedule();
  const tiles = due.flatMap(({ tile }) => tile ?? []);
  asked = tiles.length === due.length ? due : null;
  const answer = await read(widget, "poll", asked ? tiles : undefined).finally(() => (asked = null));
  if (answer && !answer.outcome.ok) noteFailure(answer.outcome, due);
  schedule();
}

function noteFailure({ kind, message }: { kind: ProblemKind; message: string }, due: readonly Refreshing[]): void {
  failures += 1;
  for (const { name } of due) readAt.set(name, Date.now());
  if (kind === "off") showState("off", message);
  else noteStale();
}

/** Something new is in the document: all of it, unless a refresh asked for less. */
export function noteShown(): void {
  anythingAt = Date.now();
  if (asked) for (const { name } of asked) readAt.set(name, anythingAt);
  else [wholeAt, readAt] = [anythingAt, new Map()];
  failures = 0;
  markFresh();
  schedule();
}

/** What is shown could not be read again; it stays, and says so. */
export function noteStale(): void {
  markStale(anythingAt, () => void tryAgain());
}

async function tryAgain(): Promise<void> {
  const widget = shownWidget();
  if (!widget) return;
  const answer = await read(widget, "read");
  if (answer && !answer.outcome.ok) noteStale();
}

/** Somebody is there. */
function noteSignOfLife(): void {
  const wasPaused = isPaused();
  lastSignOfLife = Date.now();
  if (wasPaused) schedule();
}

/** Starts watching whether somebody looks. What became overdue while nobody did is read once. */
export function startLive(): void {
  for (const sign of ["pointerdown", "pointermove", "keydown"]) {
    document.addEventListener(sign, noteSignOfLife, { capture: true, passive: true });
  }
  document.addEventListener("visibilitychange", () => {
    noteSignOfLife();
    schedule();
  });
  new IntersectionObserver((entries) => {
    isOnScreen = entries.at(-1)?.isIntersecting ?? true;
    schedule();
  }).observe(place);
}

/** The View is closing. */
export function stopLive(): void {
  isStopped = true;
  clearTimeout(timer);
}
