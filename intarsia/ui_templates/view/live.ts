/**
 * Following the world: one loop, one request at a time, never unseen, slower when it fails.
 *
 * The markup asks for it: by the clock with `data-refresh`, for changes with `data-live`.
 */

import { announceFreshness, drawFreshness, type Freshness, startFreshness } from "./freshness";
import { isHeld } from "./hold";
import { abandonPolls, isBusy } from "./lane";
import { jitter, MAX_MS, nextTurn, noteAnswer, now, MIN_MS, slower } from "./pace";
import { shownWidget } from "./parts";
import { follow, keepAsking, read, takeOver, wantedWidget } from "./reads";
import { showState } from "./shell";
import { isOurs, place, setBusy } from "./stage";
import { type Answer, type BoundCall, isRefusal } from "./wire";

const IDLE_MS = 15 * 60_000;
/** How long the connector may wait for a change; hosts and proxies give up on calls that take longer than 30 seconds. */
const WAIT_MS = 25_000;
/** Calls due this close to each other are one call. */
const TOGETHER_MS = 500;
/** How often the age of what is shown is said anew. */
const AGE_MS = 5_000;
/** What is held or busy now is tried again after this. */
const SOON_MS = 250;

let timer: number | undefined;
let isOnScreen = true;
let isStopped = false;
let isFollowing = false;
let lastSignOfLife = now();
/** The person paused it. */
let isResting = false;
/** The same widget was opened again since: this View is quiet. */
let isSuperseded = false;
/** How often the person wants what goes by the clock; 0: as the connector says. */
let chosenMs = 0;
/** Why it could not be read again. */
let staleReason: string | null = null;
/** When anything of it was read last, in milliseconds since 1970: for people. All other times are of `now()`. */
let shownAt = Date.now();
/** When the whole widget was read, and when all that does not go by the clock was. */
let wholeAt = now();
let checkedAt = wholeAt;
/** When each refreshing element was read since then, by its tile's name or its id. */
let readAt = new Map<string, number>();
/** What the person was typing when an admin turned the widget off, and what is said about that. */
let typed = "";
let offMessage = "";

interface Refreshing {
  readonly name: string;
  readonly tile: string | undefined;
  readonly everyMs: number;
}

const findOurs = (selector: string): HTMLElement[] => [...place.querySelectorAll<HTMLElement>(selector)].filter(isOurs);

function listRefreshing(): Refreshing[] {
  return findOurs("[data-refresh]").map((element) => {
    const { refresh, tile } = element.dataset;
    return { name: tile ?? element.id, tile, everyMs: Math.max(MIN_MS, Number(refresh) * 1000 || MAX_MS) };
  });
}

function dueAt({ name, everyMs }: Refreshing): number {
  return (readAt.get(name) ?? wholeAt) + slower(Math.max(everyMs, chosenMs));
}

/** Whether an admin turned off what was shown. */
const isOff = (): boolean => !shownWidget() && wantedWidget() !== null;

const hasTopics = (): boolean => findOurs("[data-live]").length > 0;

/** Whether it waits for changes. What is read as a whole, and seldom because a person wants it so, rests between. */
function isLive(): boolean {
  const isSeldom = chosenMs > WAIT_MS && findOurs("[data-live][data-refresh]").length > 0;
  return isOff() || (hasTopics() && !isSeldom);
}

/** Nobody looks, nobody is there any more, or whoever is there does not want it. */
function isPaused(): boolean {
  const isUnseen = document.hidden || !isOnScreen || now() - lastSignOfLife > IDLE_MS;
  return isStopped || isResting || isSuperseded || isUnseen;
}

/** When the next call may begin. */
function nextAt(): number {
  const wantedAt = isLive() ? 0 : Math.min(...listRefreshing().map(dueAt));
  return Math.max(wantedAt, nextTurn()) + jitter();
}

function schedule(): void {
  clearTimeout(timer);
  const next = nextAt();
  if (isFollowing || isPaused() || next === Infinity) return;
  timer = window.setTimeout(() => void refresh(), Math.max(next - now(), SOON_MS));
}

async function refresh(): Promise<void> {
  const widget = wantedWidget();
  if (!widget || isPaused() || isBusy() || isHeld()) return schedule();
  const start = now();
  const all = listRefreshing();
  const endAt = isLive() ? Math.min(checkedAt + WAIT_MS, ...all.map(dueAt)) : start;
  const wait = Math.min(WAIT_MS, Math.max(0, endAt - start));
  const due = all.filter((each) => dueAt(each) <= start + wait + TOGETHER_MS);
  // A message that was lost on the way is made up for: now and then everything is read that does not go by the clock.
  const isCheck = isLive() && checkedAt + WAIT_MS <= start + wait + TOGETHER_MS;
  if (!isCheck && !due.length) return schedule();
  const only = tilesToRead(all, due, isCheck);
  isFollowing = true;
  const asking = isOff() || hasTopics() ? follow(widget, wait / 1000, only) : read(widget, "poll", only);
  const answer = await asking.finally(() => (isFollowing = false));
  if (answer?.outcome.ok) {
    noteRead((answer.parts ?? answer.unchanged)?.tiles ?? only);
    if (isCheck) checkedAt = now();
  } else if (answer) noteFailure(widget, answer, due);
  schedule();
}

/** The tiles to read, or undefined for everything. */
function tilesToRead(all: readonly Refreshing[], due: readonly Refreshing[], isCheck: boolean): string[] | undefined {
  const isByTile = all.length > 0 && all.every(({ tile }) => tile !== undefined);
  if (!isByTile) return undefined;
  const others = isCheck ? findOurs("[data-tile]:not([data-refresh])").flatMap(({ dataset }) => dataset.tile ?? []) : [];
  return [...others, ...due.flatMap(({ tile }) => tile ?? [])];
}

function noteFailure(widget: BoundCall, answer: Answer, due: readonly Refreshing[]): void {
  if (answer.outcome.ok) return;
  const { kind, message } = answer.outcome;
  if (kind === "off") return showOff(widget, answer);
  if (kind === "superseded") return showSuperseded(message);
  noteAnswer(kind);
  for (const { name } of due) readAt.set(name, now());
  if (isRefusal(answer)) showEnd(widget, answer);
  else noteStale(message);
}

/** An admin turned the widget off. What the person was typing stays there to be copied, and the widget comes back by itself. */
function showOff(widget: BoundCall, answer: Answer): void {
  if (answer.outcome.ok) return;
  noteAnswer(null);
  isResting = false;
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

/** The same widget was opened again since. This one stays as it is, with all that a person was doing in it. */
function showSuperseded(message: string): void {
  isSuperseded = true;
  staleReason = null;
  if (isOff()) showState("superseded", message, { label: "Open latest", run: () => void openLatest() });
  draw();
  announceFreshness();
}

/** A tool that ran anew is the latest. */
export function noteOpened(): void {
  isSuperseded = false;
}

/** This View becomes the latest again. */
async function openLatest(): Promise<void> {
  const widget = wantedWidget();
  const answer = widget && (await takeOver(widget));
  if (!answer) return;
  isSuperseded = false;
  if (answer.outcome.ok) noteRead(undefined);
  else noteFailure(widget, answer, []);
  schedule();
  announceFreshness();
}

/** Keeps the line true that says how old it is. */
function draw(): void {
  const state: Freshness = isSuperseded ? "superseded" : staleReason !== null ? "stale" : isResting ? "paused" : "fresh";
  const all = listRefreshing();
  const leastMs = all.length ? Math.min(...all.map(({ everyMs }) => everyMs)) : null;
  const follows = hasTopics() || leastMs !== null;
  const line = { state, readAt: shownAt, reason: staleReason ?? "", isLive: follows, isResting, leastMs, chosenMs };
  drawFreshness(shownWidget() && (follows || state === "stale") ? line : null);
}

function noteRead(tiles: readonly string[] | undefined): void {
  const at = now();
  shownAt = Date.now();
  if (tiles) for (const name of tiles) readAt.set(name, at);
  else [wholeAt, checkedAt, readAt] = [at, at, new Map()];
  noteAnswer(null);
  staleReason = null;
  draw();
}

/** What is shown was kept by the host since it was read. `at` is in milliseconds since 1970. */
export function noteKept(at: number): void {
  shownAt = at;
  draw();
}

/** Something new is in the document: all of it, unless the loop asked for less and will say so. */
export function noteShown(): void {
  if (shownWidget()) keepAsking(null);
  if (isFollowing) draw();
  else noteRead(undefined);
  schedule();
}

/** What is shown could not be read again; it stays, and says so. */
export function noteStale(reason: string): void {
  const isNews = staleReason === null;
  staleReason = reason;
  draw();
  if (isNews) announceFreshness();
}

async function tryAgain(): Promise<void> {
  const widget = shownWidget();
  if (!widget) return;
  const answer = await read(widget, "read");
  if (answer && !answer.outcome.ok) noteStale(answer.outcome.message);
}

/** The person wants it to stand still, or to go on. Nothing is sent meanwhile but what they do themselves. */
function pauseOrResume(): void {
  isResting = !isResting;
  staleReason = null;
  draw();
  announceFreshness();
  settle();
}

/** Goes on where somebody looks, and lets go where nobody does. */
function settle(): void {
  if (isPaused()) abandonPolls();
  schedule();
}

/** Somebody is there. */
function noteSignOfLife(): void {
  const wasPaused = isPaused();
  lastSignOfLife = now();
  if (wasPaused) schedule();
}

/** Starts watching whether somebody looks. What became overdue while nobody did is read once. */
export function startLive(): void {
  startFreshness({
    retry: () => void (isSuperseded ? openLatest() : tryAgain()),
    pause: pauseOrResume,
    choose: (ms) => {
      chosenMs = ms;
      // Whoever wants it more often than before is not kept waiting by a call that waits.
      abandonPolls();
      schedule();
    },
  });
  for (const sign of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"]) {
    document.addEventListener(sign, noteSignOfLife, { capture: true, passive: true });
  }
  document.addEventListener("visibilitychange", () => {
    noteSignOfLife();
    settle();
  });
  setInterval(draw, AGE_MS);
  new IntersectionObserver((entries) => {
    isOnScreen = entries.at(-1)?.isIntersecting ?? true;
    if (isOnScreen) noteSignOfLife();
    settle();
  }).observe(place);
}

/** The View is closing. */
export function stopLive(): void {
  isStopped = true;
  clearTimeout(timer);
}
