/** Polls for changes of the widget that is shown, one request at a time. What it does when is decided in `poll_state.ts`. */

import type { ProblemKind } from "../behavior";
import { shownWidget } from "../dom/apply_update";
import { isHeld } from "../dom/render_lock";
import { isWidgetMarkup, root, setBusy } from "../dom/root";
import { TypedText } from "../dom/typed_text";
import { canCallTools } from "../host/capabilities";
import { type BoundCall, isRefusal, isUnknownTool, type ToolResponse, withoutReference } from "../messages";
import * as queue from "../requests/queue";
import { nextCallAt, now } from "../requests/rate_limit";
import { followWidget, readWidget, takeOverWidget } from "../requests/read_widget";
import { showState } from "../ui/status_bar";
import { announceFreshness, drawFreshness, type Freshness, startFreshness } from "./freshness";
import {
  canPoll,
  type Effect,
  initialState,
  MIN_INTERVAL_MS,
  nextPollAt,
  type Page,
  planPoll,
  type PollEvent,
  retryDelay,
  type Time,
  transition,
} from "./poll_state";

/** How often the age of the widget is drawn. */
const AGE_INTERVAL_MS = 5_000;
/** When to try again what another request or a gesture holds up. */
const MIN_DELAY_MS = 250;
/** Spreads the polls of Views that heard of one change together. */
const JITTER_MS = 250;
/** For an interval that is not a number. */
const DEFAULT_INTERVAL_MS = 5 * 60_000;
const SIGNS_OF_LIFE = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"];

const time = (): Time => ({ at: now(), clock: Date.now() });

let state = initialState(document.hidden, time());
let timer: number | undefined;

/** Takes an event into the state, and carries out what follows from it. */
function dispatch(event: PollEvent): void {
  const [after, effects] = transition(state, event, time());
  state = after;
  for (const effect of effects) perform(effect, event);
}

function perform(effect: Effect, event: PollEvent): void {
  switch (effect) {
    case "cancel_poll":
      return queue.cancelPolls();
    case "show_off":
      return showOff();
    case "show_superseded":
      return event.type === "superseded" ? showSuperseded(event.message) : undefined;
    case "draw":
      return draw();
    case "announce":
      return announceFreshness();
    case "schedule":
      return schedule();
  }
}

const findMarked = (selector: string): HTMLElement[] =>
  [...root.querySelectorAll<HTMLElement>(selector)].filter(isWidgetMarkup);

function readPage(): Page {
  return {
    timed: findMarked("[data-refresh]").map(({ id, dataset: { refresh, tile } }) => ({
      name: tile ?? id,
      tile,
      everyMs: Math.max(MIN_INTERVAL_MS, Number(refresh) * 1000 || DEFAULT_INTERVAL_MS),
    })),
    hasTopics: findMarked("[data-live]").length > 0,
    isTimedWhole: findMarked("[data-live][data-refresh]").length > 0,
    untimedTiles: findMarked("[data-tile]:not([data-refresh])").flatMap(({ dataset }) => dataset.tile ?? []),
  };
}

/** The widget that is shown, or that would be if it were not turned off. */
function pollTarget(): BoundCall | null {
  return shownWidget() ?? state.off?.widget ?? null;
}

function schedule(): void {
  clearTimeout(timer);
  if (!canCallTools()) return;
  const at = now();
  const next = Math.max(nextPollAt(state, readPage()), nextCallAt(retryDelay(state)));
  if (state.isPolling || next === Infinity || !canPoll(state, at)) return;
  // After failures the spread is wider: when a server is back, not every View comes at once.
  const jitter = Math.random() * JITTER_MS * (1 + state.failures);
  timer = window.setTimeout(() => void poll(), Math.max(next + jitter - at, MIN_DELAY_MS));
}

async function poll(): Promise<void> {
  const widget = pollTarget();
  if (!widget || !canPoll(state, now()) || queue.hasUserRequest() || isHeld()) return schedule();
  const plan = planPoll(state, readPage(), now());
  if (!plan) return schedule();
  dispatch({ type: "poll_started" });
  const { isFollowing, waitMs, tiles, isCheck, names } = plan;
  const reading = isFollowing ? followWidget(widget, waitMs / 1000, tiles) : readWidget(widget, "poll", tiles);
  const response = await reading.finally(() => dispatch({ type: "poll_ended" }));
  if (response?.outcome.ok) {
    const read = (response.update ?? response.unchanged)?.tiles ?? tiles;
    dispatch({ type: "updated", tiles: read, isCheck });
  } else if (response) reportFailure(widget, response, names);
}

/** Reports that the shown widget could not be read. `names` are the timed elements that were to be. */
export function reportFailure({ tool, arguments: args }: BoundCall, response: ToolResponse, names: readonly string[]): void {
  if (response.outcome.ok) return;
  const { kind, message } = response.outcome;
  const widget = { tool, arguments: args };
  if (kind === "off") return dispatch({ type: "turned_off", widget, message, typed: new TypedText(root).text });
  if (kind === "superseded") return dispatch({ type: "superseded", message });
  const refused = isRefusal(response);
  dispatch({ type: "failed", kind, message, isRefusal: refused, names });
  // Data that this user may not see leaves the screen.
  if (refused) showFailure(kind, message, [widget]);
}

/** Shows that an admin turned the widget off, with what the user was typing, so that it can be copied. */
function showOff(): void {
  if (!state.off) return;
  const { widget, message, typed } = state.off;
  showFailure("off", message, [widget], typed && `Your unsaved text:\n\n${typed}`);
}

/** Shows in the place of a widget that is off that it was opened again. Otherwise the line below it says so. */
function showSuperseded(message: string): void {
  showState("superseded", message, { label: "Open latest", run: () => void openLatest() });
}

/** Shows a failure in the widget's place. `text` is the widget's text form, or the user's own text. */
export function showFailure(kind: ProblemKind, message: string, calls: readonly BoundCall[], text = ""): void {
  showState(kind, message, { label: "Try again", run: () => void readOrExplain(calls, text) }, text);
}

/**
 * Reads a widget, or shows in its place why there is none.
 *
 * @param calls the names that its tool may have, the most likely first: hosts put prefixes before names
 * @param text its text form, if there is one
 */
export async function readOrExplain(calls: readonly BoundCall[], text: string): Promise<void> {
  setBusy(true);
  const response = await readFirstKnown(calls);
  if (!response || response.outcome.ok) return;
  const { kind, message } = response.outcome;
  // The host may have pushed the widget meanwhile.
  if (shownWidget()) reportStale(message);
  else showFailure(kind, message, calls, text || textOfWidget(response));
}

async function readFirstKnown([call, ...others]: readonly BoundCall[]): Promise<ToolResponse | null> {
  const response = call ? await readWidget(call, "read") : null;
  return response && others.length && isUnknownTool(response) ? readFirstKnown(others) : response;
}

/** The text form in a response that came without the widget. */
function textOfWidget({ raw, text }: ToolResponse): string {
  return raw.isError === true ? "" : withoutReference(text);
}

/** Makes this View the latest again. */
async function openLatest(): Promise<void> {
  const widget = pollTarget();
  const response = widget && (await takeOverWidget(widget));
  if (!response) return;
  dispatch({ type: "taken_over" });
  if (response.outcome.ok) dispatch({ type: "updated" });
  else reportFailure(widget, response, []);
  announceFreshness();
}

async function retry(): Promise<void> {
  const widget = shownWidget();
  const response = widget && (await readWidget(widget, "read"));
  if (response && !response.outcome.ok) reportStale(response.outcome.message);
}

function freshness(): Freshness {
  if (state.mode === "superseded" || state.mode === "off_superseded") return "superseded";
  if (state.staleReason !== null) return "stale";
  return state.mode === "paused" ? "paused" : "fresh";
}

function draw(): void {
  const { timed, hasTopics } = readPage();
  const isLive = hasTopics || timed.length > 0;
  if (!shownWidget() || !(isLive || state.staleReason !== null)) return drawFreshness(null);
  const canFollow = isLive && canCallTools();
  drawFreshness({
    freshness: freshness(),
    updatedAt: state.updatedAt,
    reason: state.staleReason ?? "",
    isLive: canFollow,
    isPaused: state.mode === "paused",
    minMs: canFollow && timed.length ? Math.min(...timed.map(({ everyMs }) => everyMs)) : null,
    chosenMs: state.chosenMs,
  });
}

/** Reports that the host pushed a result, which makes this View the latest. */
export function reportPushed(): void {
  dispatch({ type: "result_pushed" });
}

/** Reports that the host had kept what is shown. `readAt` is when it was read, in milliseconds since 1970. */
export function reportCached(readAt: number): void {
  dispatch({ type: "cached_result_shown", readAt });
}

/** Reports that something new is in the document. */
export function reportRendered(): void {
  dispatch({ type: shownWidget() ? "widget_rendered" : "placeholder_rendered" });
}

/** Reports that the widget could not be read again. It stays, with the reason below it. */
export function reportStale(reason: string): void {
  dispatch({ type: "outdated", reason });
}

/** Starts polling, and watches whether the widget can be seen and its user is there. */
export function startPolling(): void {
  startFreshness({
    retry: () => void (freshness() === "superseded" ? openLatest() : retry()),
    pause: () => dispatch({ type: "pause_toggled" }),
    choose: (ms) => dispatch({ type: "interval_chosen", ms }),
  });
  for (const sign of SIGNS_OF_LIFE) {
    document.addEventListener(sign, () => dispatch({ type: "user_active" }), { capture: true, passive: true });
  }
  document.addEventListener("visibilitychange", () =>
    dispatch({ type: "visibility_changed", isHidden: document.hidden }),
  );
  setInterval(draw, AGE_INTERVAL_MS);
  new IntersectionObserver((entries) => {
    dispatch({ type: "viewport_changed", isOnScreen: entries.at(-1)?.isIntersecting ?? true });
  }).observe(root);
}

/** Stops polling: the View is closing. */
export function stopPolling(): void {
  dispatch({ type: "closed" });
}
