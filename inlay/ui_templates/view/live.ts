/**
 * Following the world: one loop, one request at a time, never unseen, slower when it fails.
 *
 * The markup asks for it: by the clock with `data-refresh`, for changes with `data-live`.
 */

import { isHeld } from "./hold";
import { abandonPolls, isBusy } from "./lane";
import { shownWidget } from "./parts";
import { follow, keepAsking, read, wantedWidget } from "./reads";
import { markFresh, markStale, sayAge, showState } from "./shell";
import { isOurs, place, setBusy } from "./stage";
import { type Answer, type BoundCall, isRefusal } from "./wire";

/** At most so many calls a minute, however often something changes. */
const MOST_CALLS = 20;
const MINUTE_MS = 60_000;
const SHORTEST_MS = 3_000;
const LONGEST_MS = 5 * MINUTE_MS;
const IDLE_MS = 15 * MINUTE_MS;
/** How long the connector may wait for a change; hosts and proxies give up on calls that take longer than 30 seconds. */
const WAIT_MS = 25_000;
/** Calls due this close to each other are one call. */
const TOGETHER_MS = 500;
/** How often the age of what is shown is said anew. */
const AGE_MS = 5_000;
/** After so many it is tried again as seldom as it ever is. */
const MOST_FAILURES = 7;
/** What is held or busy now is tried again after this. */
const SOON_MS = 250;

let timer: number | undefined;
let isOnScreen = true;
let isStopped = false;
let isFollowing = false;
let lastSignOfLife = Date.now();
let failures = 0;
/** When the whole widget was last read, and when anything of it was. */
let wholeAt = Date.now();
let anythingAt = Date.now();
/** When each refreshing element was read since then, by its tile's name or its id. */
let readAt = new Map<string, number>();
/** When the last calls began. */
let callsAt: number[] = [];
/** What the person was typing when an admin turned the widget off, and what is said about that. */
let typed = "";
let offMessage = "";

interface Refreshing {
  readonly name: string;
  readonly tile: string | undefined;
  readonly dueAt: number;
}

const findOurs = (selector: string): HTMLElement[] => [...place.querySelectorAll<HTMLElement>(selector)].filter(isOurs);

function listRefreshing(): Refreshing[] {
  return findOurs("[data-refresh]").map((element) => {
    const { refresh, tile } = element.dataset;
    const name = tile ?? element.id;
    const wanted = Math.max(SHORTEST_MS, Number(refresh) * 1000 || LONGEST_MS);
    return { name, tile, dueAt: (readAt.get(name) ?? wholeAt) + slower(wanted) };
  });
}

/** What failed is tried again after twice the time, and twice that. */
function slower(wanted: number): number {
  return Math.min(wanted * 2 ** failures, Math.max(wanted, LONGEST_MS));
}

/** Whether an admin turned off what was shown. */
const isOff = (): boolean => !shownWidget() && wantedWidget() !== null;

const isLive = (): boolean => isOff() || findOurs("[data-live]").length > 0;

/** Nobody looks, or nobody is there any more. */
function isPaused(): boolean {
  return isStopped || document.hidden || !isOnScreen || Date.now() - lastSignOfLife > IDLE_MS;
}

/** When the next call may begin. Those who were told of one change together do not come back together. */
function nextAt(): number {
  if (!isLive()) return Math.min(...listRefreshing().map(({ dueAt }) => dueAt));
  const retryAt = failures ? (callsAt.at(-1) ?? 0) + slower(SHORTEST_MS) : 0;
  const allowedAt = callsAt.length < MOST_CALLS ? 0 : (callsAt[0] ?? 0) + MINUTE_MS;
  return Math.max(retryAt, allowedAt) + Math.random() * SOON_MS;
}

function schedule(): void {
  clearTimeout(timer);
  const next = nextAt();
  if (isFollowing || isPaused() || next === Infinity) return;
  timer = window.setTimeout(() => void refresh(), Math.max(next - Date.now(), SOON_MS));
}

async function refresh(): Promise<void> {
  const widget = wantedWidget();
  if (!widget || isPaused() || isBusy() || isHeld()) return schedule();
  const now = Date.now();
  const all = listRefreshing();
  const wait = isLive() ? Math.min(WAIT_MS, Math.max(0, Math.min(...all.map(({ dueAt }) => dueAt)) - now)) : null;
  const due = all.filter(({ dueAt }) => dueAt <= now + (wait ?? 0) + TOGETHER_MS);
  if (wait === null && !due.length) return schedule();
  const tiles = due.flatMap(({ tile }) => tile ?? []);
  // A message that was lost on the way is made up for: now and then everything is read.
  const isWhole = tiles.length !== due.length || !tiles.length || (wait !== null && now - wholeAt > WAIT_MS);
  const only = isWhole ? undefined : tiles;
  callsAt = [...callsAt, now].slice(-MOST_CALLS);
  isFollowing = true;
  const asking = wait === null ? read(widget, "poll", only) : follow(widget, wait / 1000, only);
  const answer = await asking.finally(() => (isFollowing = false));
  if (answer?.outcome.ok) noteRead((answer.parts ?? answer.unchanged)?.tiles ?? only);
  else if (answer) noteFailure(widget, answer, due);
  schedule();
}

function noteFailure(widget: BoundCall, answer: Answer, due: readonly Refreshing[]): void {
  if (answer.outcome.ok) return;
  const { kind, message } = answer.outcome;
  if (kind === "off") return showOff(widget, answer);
  // A host that refuses, or lets people refuse, is not asked all the time.
  failures = kind === "refused" ? MOST_FAILURES : failures + 1;
  for (const { name } of due) readAt.set(name, Date.now());
  if (isRefusal(answer)) showEnd(widget, answer);
  else noteStale(message);
}

/** An admin turned the widget off. What the person was typing stays there to be copied, and the widget comes back by itself. */
function showOff(widget: BoundCall, answer: Answer): void {
  if (answer.outcome.ok) return;
  failures = 0;
  if (!isOff()) typed = listTyped().join("\n\n");
  else if (answer.outcome.message === offMessage) return;
  offMessage = answer.outcome.message;
  showEnd(widget, answer, typed && `What you were typing:\n\n${typed}`);
  const { tool, arguments: args } = widget;
  keepAsking({ tool, arguments: args });
}

function listTyped(): string[] {
  const fields = place.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>("input:not([type]),input[type=text],textarea");
  return [...fields].flatMap(({ value, defaultValue }) => (value === defaultValue ? [] : value));
}

/** What is no longer for the person who looks is no longer on the screen. */
function showEnd(widget: BoundCall, { outcome }: Answer, text = ""): void {
  if (outcome.ok) return;
  showState(outcome.kind, outcome.message, { label: "Try again", run: () => void readOrSay(widget, text) }, text);
}

/** Reads a widget, or says in its place why there is none. `text` is its text form, when that at least came. */
export async function readOrSay(widget: BoundCall, text: string): Promise<void> {
  setBusy(true);
  const answer = await read(widget, "read");
  if (answer) showEnd(widget, answer, text);
}

/** Keeps the age of what is shown true, where a widget has a place for it. */
function showAge(): void {
  for (const element of findOurs("[data-age]")) element.textContent = `Updated ${sayAge(anythingAt)}`;
}

function noteRead(tiles: readonly string[] | undefined): void {
  anythingAt = Date.now();
  if (tiles) for (const name of tiles) readAt.set(name, anythingAt);
  else [wholeAt, readAt] = [anythingAt, new Map()];
  failures = 0;
  markFresh();
  showAge();
}

/** What is shown was kept by the host since it was read. `readAt` is in milliseconds since 1970. */
export function noteKept(readAt: number): void {
  anythingAt = readAt;
  showAge();
}

/** Something new is in the document: all of it, unless the loop asked for less and will say so. */
export function noteShown(): void {
  if (shownWidget()) keepAsking(null);
  if (!isFollowing) noteRead(undefined);
  schedule();
}

/** What is shown could not be read again; it stays, and says so. */
export function noteStale(reason: string): void {
  markStale(anythingAt, reason, () => void tryAgain());
}

async function tryAgain(): Promise<void> {
  const widget = shownWidget();
  if (!widget) return;
  const answer = await read(widget, "read");
  if (answer && !answer.outcome.ok) noteStale(answer.outcome.message);
}

/** Goes on where somebody looks, and lets go where nobody does. */
function settle(): void {
  if (isPaused()) abandonPolls();
  schedule();
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
    settle();
  });
  setInterval(showAge, AGE_MS);
  new IntersectionObserver((entries) => {
    isOnScreen = entries.at(-1)?.isIntersecting ?? true;
    settle();
  }).observe(place);
}

/** The View is closing. */
export function stopLive(): void {
  isStopped = true;
  clearTimeout(timer);
}
