/**
 * The state of polling as a table: what the View does about changes, what each event makes of that, and which effects
 * follow. Pure: no document, no timers, no clock. `poller.ts` reports events and carries out the effects.
 */

import type { ProblemKind } from "../behavior";
import type { BoundCall } from "../messages";

/** The longest that the server may wait for a change: hosts and proxies end calls that take longer than 30 seconds. */
export const MAX_WAIT_MS = 25_000;
/** No element is read more often than this. */
export const MIN_INTERVAL_MS = 3_000;
const MAX_IDLE_MS = 15 * 60_000;
/** What is due within this time of each other is read by one request. */
const BATCH_MS = 500;
const MAX_BACKOFF_MS = 5 * 60_000;
/** A server that could not be reached may be back at any moment. */
const MAX_OFFLINE_BACKOFF_MS = 20_000;
/** The number of failures at which the back-off is at its longest. */
const MAX_FAILURES = 7;

/**
 * What the View does about changes.
 *
 * `following`: it polls. `paused`: the user paused updates. `off`: an admin turned the widget off, and it is polled until
 * it is back. `superseded`: the same widget was opened again, so this View stays as it is. `off_superseded`: both.
 */
export type Mode = "following" | "paused" | "off" | "superseded" | "off_superseded" | "closed";

export type PollEvent =
  | { readonly type: "pause_toggled" }
  | { readonly type: "interval_chosen"; readonly ms: number }
  | { readonly type: "visibility_changed"; readonly isHidden: boolean }
  | { readonly type: "viewport_changed"; readonly isOnScreen: boolean }
  | { readonly type: "user_active" }
  /** The host pushed a result: the tool ran again. */
  | { readonly type: "result_pushed" }
  /** The host had kept the result that is shown; it was read at that time, in milliseconds since 1970. */
  | { readonly type: "cached_result_shown"; readonly readAt: number }
  | { readonly type: "widget_rendered" }
  /** Something that is not a widget took its place. */
  | { readonly type: "placeholder_rendered" }
  | { readonly type: "poll_started" }
  | { readonly type: "poll_ended" }
  /** These tiles were read, or everything; `isCheck`: and with them all that has no interval of its own. */
  | { readonly type: "updated"; readonly tiles?: readonly string[] | undefined; readonly isCheck?: boolean }
  | {
      readonly type: "failed";
      readonly kind: ProblemKind;
      readonly message: string;
      /** The connector refused, so that the widget must not stay on the screen. */
      readonly isRefusal: boolean;
      /** The elements that were to be read. */
      readonly names: readonly string[];
    }
  /** A read outside of polling failed. */
  | { readonly type: "outdated"; readonly reason: string }
  /** `typed`: what the user was typing. */
  | { readonly type: "turned_off"; readonly widget: BoundCall; readonly message: string; readonly typed: string }
  | { readonly type: "superseded"; readonly message: string }
  /** The user wants this View to be the latest again. */
  | { readonly type: "taken_over" }
  | { readonly type: "closed" };

/** When an event happened. */
export interface Time {
  /** Milliseconds of a clock that is never set back. */
  readonly at: number;
  /** Milliseconds since 1970, for users to read. */
  readonly clock: number;
}

/** What `poller.ts` does after an event. */
export type Effect = "cancel_poll" | "show_off" | "show_superseded" | "draw" | "announce" | "schedule";

/** A widget that an admin turned off while it was shown. */
export interface OffWidget {
  readonly widget: BoundCall;
  readonly message: string;
  /** What the user was typing by then; it is shown, to be copied. */
  readonly typed: string;
}

export interface PollState {
  readonly mode: Mode;
  /** Set in the modes `off` and `off_superseded`, and in no other. */
  readonly off: OffWidget | null;
  /** A poll is in flight. There is one at a time. */
  readonly isPolling: boolean;
  readonly isHidden: boolean;
  readonly isOnScreen: boolean;
  /** When the user did something last. */
  readonly activeAt: number;
  /** The interval that the user chose for timed elements; 0: as the connector says. */
  readonly chosenMs: number;
  /** Why the widget could not be read again. */
  readonly staleReason: string | null;
  /** Failed polls in a row. */
  readonly failures: number;
  readonly maxBackoffMs: number;
  /** When anything of the widget was read, in milliseconds since 1970, for users to read. */
  readonly updatedAt: number;
  /** When the whole widget was read, and when all that has no interval of its own was. */
  readonly wholeAt: number;
  readonly checkedAt: number;
  /** When each timed element was read since then, by its tile's name or its id. */
  readonly readAt: ReadonlyMap<string, number>;
}

export function initialState(isHidden: boolean, { at, clock }: Time): PollState {
  return {
    mode: "following",
    off: null,
    isPolling: false,
    isHidden,
    isOnScreen: true,
    activeAt: at,
    chosenMs: 0,
    staleReason: null,
    failures: 0,
    maxBackoffMs: MAX_BACKOFF_MS,
    updatedAt: clock,
    wholeAt: at,
    checkedAt: at,
    readAt: new Map(),
  };
}

/** The next mode, by mode and event. An event that is not listed changes nothing. */
export const TRANSITIONS: Readonly<Record<Mode, Readonly<Partial<Record<PollEvent["type"], Mode>>>>> = {
  following: { pause_toggled: "paused", turned_off: "off", superseded: "superseded", closed: "closed" },
  paused: { pause_toggled: "following", turned_off: "off", superseded: "superseded", closed: "closed" },
  off: { widget_rendered: "following", superseded: "off_superseded", closed: "closed" },
  superseded: { result_pushed: "following", taken_over: "following", turned_off: "off", closed: "closed" },
  off_superseded: {
    widget_rendered: "superseded",
    result_pushed: "off",
    taken_over: "off",
    turned_off: "off",
    closed: "closed",
  },
  closed: {},
};

/** The next state and the effects, in their order. */
export function transition(before: PollState, event: PollEvent, time: Time): readonly [PollState, readonly Effect[]] {
  const mode = TRANSITIONS[before.mode][event.type] ?? before.mode;
  const after = { ...before, ...change(before, event, time), mode };
  return [after, effectsOf(before, event, after, time)];
}

function change(state: PollState, event: PollEvent, time: Time): Partial<PollState> {
  const { at } = time;
  switch (event.type) {
    case "pause_toggled":
    case "superseded":
      return { staleReason: null };
    case "interval_chosen":
      return { chosenMs: event.ms };
    case "visibility_changed":
      return { isHidden: event.isHidden, activeAt: at };
    case "viewport_changed":
      return { isOnScreen: event.isOnScreen, activeAt: event.isOnScreen ? at : state.activeAt };
    case "user_active":
      return { activeAt: at };
    case "cached_result_shown":
      return { updatedAt: event.readAt };
    case "widget_rendered":
      // A poll knows which tiles its response holds, and reports them itself.
      return { off: null, ...(!state.isPolling && noteRead(state, undefined, time)) };
    case "poll_started":
    case "poll_ended":
      return { isPolling: event.type === "poll_started" };
    case "updated":
      return { ...noteRead(state, event.tiles, time), ...(event.isCheck && { checkedAt: at }) };
    case "failed":
      return noteFailure(state, event, at);
    case "outdated":
      return { staleReason: event.reason };
    case "turned_off": {
      const { widget, message, typed } = event;
      // The server waits while a widget is off, so the next poll may take its full time again.
      return { failures: 0, checkedAt: at, off: { widget, message, typed: state.off?.typed ?? typed } };
    }
    default:
      return {};
  }
}

function noteRead(state: PollState, tiles: readonly string[] | undefined, { at, clock }: Time): Partial<PollState> {
  const times = tiles ? { readAt: mark(state, tiles, at) } : { wholeAt: at, checkedAt: at, readAt: new Map() };
  return { ...times, updatedAt: clock, failures: 0, staleReason: null };
}

function noteFailure(state: PollState, event: Extract<PollEvent, { type: "failed" }>, at: number): Partial<PollState> {
  const { off, failures, staleReason } = state;
  const { kind, isRefusal, message, names } = event;
  return {
    // A host, its user or a connector that refused must not be asked again and again.
    failures: kind === "refused" ? MAX_FAILURES : Math.min(failures + 1, MAX_FAILURES),
    maxBackoffMs: kind === "offline" || kind === "busy" ? MAX_OFFLINE_BACKOFF_MS : MAX_BACKOFF_MS,
    readAt: mark(state, names, at),
    staleReason: isRefusal ? staleReason : message,
    // The refusal replaces the message on the screen, so that one must be shown again if the widget is still off.
    off: off && isRefusal ? { ...off, message: "" } : off,
  };
}

function mark({ readAt }: PollState, names: readonly string[], at: number): PollState["readAt"] {
  return new Map([...readAt, ...names.map((name) => [name, at] as const)]);
}

function effectsOf(before: PollState, event: PollEvent, after: PollState, { at }: Time): readonly Effect[] {
  const usual: readonly Effect[] = ["draw", "schedule"];
  const isNewlyStale = before.staleReason === null && after.staleReason !== null;
  switch (event.type) {
    case "user_active":
      return !canPoll(before, at) && canPoll(after, at) ? usual : [];
    case "interval_chosen":
      // A poll that waits for changes would delay a shorter interval.
      return ["cancel_poll", ...usual];
    case "visibility_changed":
    case "viewport_changed":
      return canPoll(after, at) ? usual : ["cancel_poll", ...usual];
    case "pause_toggled":
      return canPoll(after, at) ? [...usual, "announce"] : ["cancel_poll", ...usual, "announce"];
    case "turned_off":
      return before.mode === "off" && before.off?.message === event.message ? usual : ["show_off", ...usual];
    case "superseded":
      return after.off ? ["show_superseded", ...usual] : [...usual, "announce"];
    default:
      return isNewlyStale ? [...usual, "announce"] : usual;
  }
}

/** Whether polls may be sent: updates are wanted, the widget can be seen, and the user was there within 15 minutes. */
export function canPoll({ mode, isHidden, isOnScreen, activeAt }: PollState, at: number): boolean {
  const isWanted = mode === "following" || mode === "off";
  return isWanted && !isHidden && isOnScreen && at - activeAt <= MAX_IDLE_MS;
}

// -- What is due, and when --

/** An element with `data-refresh`. */
export interface Timed {
  readonly name: string;
  readonly tile: string | undefined;
  readonly everyMs: number;
}

/** What the markup asks for. */
export interface Page {
  readonly timed: readonly Timed[];
  /** `data-live`: it depends on topics, so the server can wait for their changes. */
  readonly hasTopics: boolean;
  /** The same element has both `data-live` and `data-refresh`. */
  readonly isTimedWhole: boolean;
  /** Names of the tiles that have no interval of their own. */
  readonly untimedTiles: readonly string[];
}

/** One poll to send. */
export interface Poll {
  /** Asks the server for what changed, instead of running the tool again. */
  readonly isFollowing: boolean;
  /** How long the server may wait for a change. */
  readonly waitMs: number;
  /** Reads all that has no interval of its own, which makes up for a notification that got lost. */
  readonly isCheck: boolean;
  /** The timed elements that are due. */
  readonly names: readonly string[];
  /** The tiles to read; undefined reads everything. */
  readonly tiles: readonly string[] | undefined;
}

/** Doubles an interval with each failure in a row. */
function backOff({ failures, maxBackoffMs }: PollState, ms: number): number {
  return Math.min(ms * 2 ** failures, Math.max(ms, maxBackoffMs));
}

/** How long to wait after a failed call before the next one; 0 after one that succeeded. */
export function retryDelay(state: PollState): number {
  return state.failures ? backOff(state, MIN_INTERVAL_MS) : 0;
}

function dueAt(state: PollState, { name, everyMs }: Timed): number {
  return (state.readAt.get(name) ?? state.wholeAt) + backOff(state, Math.max(everyMs, state.chosenMs));
}

/** Whether the server waits for changes. A widget that is timed as a whole, and seldom by the user's choice, does not. */
function waitsForChanges({ off, chosenMs }: PollState, { hasTopics, isTimedWhole }: Page): boolean {
  return off !== null || (hasTopics && !(isTimedWhole && chosenMs > MAX_WAIT_MS));
}

/** When the next poll is due; Infinity when nothing asks for one. */
export function nextPollAt(state: PollState, page: Page): number {
  return waitsForChanges(state, page) ? 0 : Math.min(...page.timed.map((each) => dueAt(state, each)));
}

/** The poll to send now; null when nothing is due. */
export function planPoll(state: PollState, page: Page, at: number): Poll | null {
  const { timed, hasTopics, untimedTiles } = page;
  const isWaiting = waitsForChanges(state, page);
  const checkAt = state.checkedAt + MAX_WAIT_MS;
  const endAt = isWaiting ? Math.min(checkAt, ...timed.map((each) => dueAt(state, each))) : at;
  const waitMs = Math.min(MAX_WAIT_MS, Math.max(0, endAt - at));
  const batchEnd = at + waitMs + BATCH_MS;
  const due = timed.filter((each) => dueAt(state, each) <= batchEnd);
  const isCheck = isWaiting && checkAt <= batchEnd;
  if (!isCheck && !due.length) return null;
  const isByTile = timed.length > 0 && timed.every(({ tile }) => tile !== undefined);
  const tiles = isByTile ? [...(isCheck ? untimedTiles : []), ...due.map(({ name }) => name)] : undefined;
  return { isFollowing: state.off !== null || hasTopics, waitMs, isCheck, names: due.map(({ name }) => name), tiles };
}
