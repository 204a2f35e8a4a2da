/** The state table of polling, without a document, timers or a clock. Run by `test_poll_state.py`. */

import {
  canPoll,
  type Effect,
  initialState,
  MAX_WAIT_MS,
  type Mode,
  nextPollAt,
  type Page,
  planPoll,
  type PollEvent,
  type PollState,
  retryDelay,
  type Timed,
  transition,
  TRANSITIONS,
} from "../../intarsia/ui_templates/view/live/poll_state";
import { equal, test } from "./unit";

const START = 1_000_000;
const MINUTE = 60_000;

/** A state machine with a clock that tests wind on. */
class Machine {
  at = START;
  effects: readonly Effect[] = [];

  constructor(public state: PollState = initialState(false, { at: START, clock: START })) {}

  send(...events: PollEvent[]): this {
    for (const event of events) {
      const time = { at: this.at, clock: this.at };
      [this.state, this.effects] = transition(this.state, event, time);
    }
    return this;
  }

  wait(ms: number): this {
    this.at += ms;
    return this;
  }
}

const WIDGET = { tool: "board", arguments: { project: "p" } };
const TURNED_OFF: PollEvent = { type: "turned_off", widget: WIDGET, message: "Ask Ada.", typed: "Half a thought" };
const SUPERSEDED: PollEvent = { type: "superseded", message: "Opened again." };
const FAILED: PollEvent = { type: "failed", kind: "failed", message: "Broken.", isRefusal: false, names: ["cpu"] };
const OFFLINE: PollEvent = { ...FAILED, kind: "offline" };
const REFUSED: PollEvent = { ...FAILED, kind: "refused", isRefusal: true };
const PLAIN: Page = { timed: [], hasTopics: false, isTimedWhole: false, untimedTiles: [] };
const CPU: Timed = { name: "cpu", tile: "cpu", everyMs: 3_000 };
const DISK: Timed = { name: "disk", tile: "disk", everyMs: 60_000 };
const TILES: Page = { ...PLAIN, timed: [CPU, DISK] };
const LIVE: Page = { ...PLAIN, hasTopics: true };

const EVENTS: readonly PollEvent[] = [
  { type: "pause_toggled" },
  { type: "interval_chosen", ms: MINUTE },
  { type: "visibility_changed", isHidden: true },
  { type: "viewport_changed", isOnScreen: false },
  { type: "user_active" },
  { type: "result_pushed" },
  { type: "cached_result_shown", readAt: 1 },
  { type: "widget_rendered" },
  { type: "placeholder_rendered" },
  { type: "poll_started" },
  { type: "poll_ended" },
  { type: "updated" },
  FAILED,
  { type: "outdated", reason: "Broken." },
  TURNED_OFF,
  SUPERSEDED,
  { type: "taken_over" },
  { type: "closed" },
];

/** The shortest way into each mode. */
const WAYS: Readonly<Record<Mode, readonly PollEvent[]>> = {
  following: [],
  paused: [{ type: "pause_toggled" }],
  off: [TURNED_OFF],
  superseded: [SUPERSEDED],
  off_superseded: [TURNED_OFF, SUPERSEDED],
  closed: [{ type: "closed" }],
};
const MODES = Object.keys(WAYS) as Mode[];

test("every mode and event leads where the table says, and nowhere else", () => {
  for (const mode of MODES) {
    for (const event of EVENTS) {
      const machine = new Machine().send(...WAYS[mode]);
      equal(machine.state.mode, mode);
      machine.send(event);
      equal(machine.state.mode, TRANSITIONS[mode][event.type] ?? mode, `${mode} and ${event.type}`);
    }
  }
});

test("the widget that is off is known in the modes of one that is off, and in no other", () => {
  for (const mode of MODES) {
    for (const event of EVENTS) {
      const { state } = new Machine().send(...WAYS[mode], event);
      if (state.mode !== "closed") equal(state.off !== null, state.mode.startsWith("off"), `${mode} and ${event.type}`);
    }
  }
});

test("polls are sent in the modes following and off, and in no other", () => {
  const able = MODES.filter((mode) => canPoll(new Machine().send(...WAYS[mode]).state, START));
  equal(able, ["following", "off"]);
});

test("a closed View stays closed", () => {
  const machine = new Machine().send({ type: "closed" }, ...EVENTS);
  equal([machine.state.mode, canPoll(machine.state, START)], ["closed", false]);
});

test("a transition leaves the state before it as it was", () => {
  const before = new Machine().state;
  const copy = JSON.stringify({ ...before, readAt: [...before.readAt] });
  for (const event of EVENTS) transition(before, event, { at: START + 5, clock: START + 5 });
  equal(JSON.stringify({ ...before, readAt: [...before.readAt] }), copy);
});

test("pausing cancels the poll that waits, draws, and is read out; resuming cancels nothing", () => {
  const machine = new Machine().send({ type: "pause_toggled" });
  equal(machine.effects, ["cancel_poll", "draw", "schedule", "announce"]);
  equal(machine.send({ type: "pause_toggled" }).effects, ["draw", "schedule", "announce"]);
});

test("pausing forgets why a read failed", () => {
  equal(new Machine().send(FAILED, { type: "pause_toggled" }).state.staleReason, null);
});

test("a hidden page and a widget off screen cancel the poll; what is seen again is only scheduled", () => {
  const machine = new Machine().send({ type: "visibility_changed", isHidden: true });
  equal(machine.effects, ["cancel_poll", "draw", "schedule"]);
  equal(machine.send({ type: "visibility_changed", isHidden: false }).effects, ["draw", "schedule"]);
  equal(machine.send({ type: "viewport_changed", isOnScreen: false }).effects, ["cancel_poll", "draw", "schedule"]);
  equal(machine.send({ type: "viewport_changed", isOnScreen: true }).effects, ["draw", "schedule"]);
});

test("after fifteen minutes without the user nothing is polled, until there is a sign of life", () => {
  const machine = new Machine().wait(15 * MINUTE);
  equal(canPoll(machine.state, machine.at), true);
  equal(canPoll(machine.state, machine.wait(1).at), false);
  machine.send({ type: "user_active" });
  equal([machine.effects, canPoll(machine.state, machine.at)], [["draw", "schedule"], true]);
});

test("a sign of life of a user who is there has no effect", () => {
  equal(new Machine().wait(MINUTE).send({ type: "user_active" }).effects, []);
});

test("leaving the screen is no sign of life", () => {
  const machine = new Machine().wait(MINUTE).send({ type: "viewport_changed", isOnScreen: false });
  equal(machine.state.activeAt, START);
});

test("a chosen interval cancels the poll that waits", () => {
  const machine = new Machine().send({ type: "interval_chosen", ms: 30_000 });
  equal([machine.effects[0], machine.state.chosenMs], ["cancel_poll", 30_000]);
});

test("a widget that is rendered outside of a poll was read as a whole", () => {
  const machine = new Machine().send(FAILED).wait(MINUTE).send({ type: "widget_rendered" });
  const { wholeAt, checkedAt, updatedAt, failures, staleReason, readAt } = machine.state;
  equal([wholeAt, checkedAt, updatedAt, failures, staleReason, readAt.size], [machine.at, machine.at, machine.at, 0, null, 0]);
});

test("a widget that is rendered by a poll changes no times: the poll reports what it read", () => {
  const machine = new Machine().send({ type: "poll_started" }).wait(MINUTE).send({ type: "widget_rendered" });
  equal([machine.state.wholeAt, machine.state.isPolling], [START, true]);
  machine.send({ type: "poll_ended" }, { type: "updated", tiles: ["cpu"] });
  equal([[...machine.state.readAt], machine.state.wholeAt], [[["cpu", machine.at]], START]);
});

test("a placeholder is no read: failures and their reason stay", () => {
  const { failures, staleReason } = new Machine().send(FAILED, { type: "placeholder_rendered" }).state;
  equal([failures, staleReason], [1, "Broken."]);
});

test("a check moves the time of the next check, a read of single tiles does not", () => {
  const machine = new Machine().wait(MINUTE).send({ type: "updated", tiles: ["cpu"] });
  equal(machine.state.checkedAt, START);
  equal(machine.send({ type: "updated", tiles: ["cpu"], isCheck: true }).state.checkedAt, machine.at);
});

test("what a host had kept is as old as it says", () => {
  equal(new Machine().send({ type: "cached_result_shown", readAt: 77 }).state.updatedAt, 77);
});

test("only the first of several failures is read out", () => {
  const machine = new Machine().send(FAILED);
  equal(machine.effects, ["draw", "schedule", "announce"]);
  equal(machine.send(FAILED).effects, ["draw", "schedule"]);
  equal(new Machine().send({ type: "outdated", reason: "Broken." }).effects, ["draw", "schedule", "announce"]);
});

test("each failure doubles the interval, up to five minutes", () => {
  const machine = new Machine();
  const intervals = [1, 2, 3, 4, 5, 6, 7, 8, 9].map(() => {
    machine.send({ ...FAILED, names: [] });
    return nextPollAt(machine.state, { ...PLAIN, timed: [CPU] }) - START;
  });
  equal(intervals, [6_000, 12_000, 24_000, 48_000, 96_000, 192_000, 300_000, 300_000, 300_000]);
});

test("a server that cannot be reached is asked at least every twenty seconds", () => {
  const machine = new Machine().send(OFFLINE, OFFLINE, OFFLINE, OFFLINE, OFFLINE);
  equal(retryDelay(machine.state), 20_000);
});

test("after a refusal the interval is at its longest at once, and a success ends it", () => {
  const machine = new Machine().send({ ...FAILED, kind: "refused" });
  equal(retryDelay(machine.state), 300_000);
  equal(retryDelay(machine.send({ type: "updated" }).state), 0);
});

test("an interval that is longer than the back-off stays as it is", () => {
  const machine = new Machine().send({ ...OFFLINE, names: [] });
  equal(nextPollAt(machine.state, { ...PLAIN, timed: [DISK] }) - START, 60_000);
});

test("a widget that is turned off is shown so once, with what the user was typing", () => {
  const machine = new Machine().send(TURNED_OFF);
  equal(machine.effects, ["show_off", "draw", "schedule"]);
  machine.send({ ...TURNED_OFF, typed: "" });
  equal([machine.effects, machine.state.off?.typed], [["draw", "schedule"], "Half a thought"]);
  equal(machine.send({ ...TURNED_OFF, message: "Back on Monday." }).effects[0], "show_off");
});

test("a widget that is off is shown so again after a refusal took the place of the message", () => {
  const machine = new Machine().send(TURNED_OFF, REFUSED);
  equal(machine.send(TURNED_OFF).effects[0], "show_off");
});

test("every poll of a widget that is off waits as long as it may", () => {
  const machine = new Machine().send(TURNED_OFF).wait(MAX_WAIT_MS).send(TURNED_OFF).wait(300);
  equal(planPoll(machine.state, PLAIN, machine.at)?.waitMs, MAX_WAIT_MS - 300);
});

test("a widget that is back is followed again", () => {
  const { mode, off } = new Machine().send(TURNED_OFF, { type: "widget_rendered" }).state;
  equal([mode, off], ["following", null]);
});

test("a pushed result ends superseded, and a pause lasts", () => {
  equal(new Machine().send(SUPERSEDED, { type: "result_pushed" }).state.mode, "following");
  equal(new Machine().send({ type: "pause_toggled" }, { type: "result_pushed" }).state.mode, "paused");
});

test("a superseded widget is announced below it, one that is off in its place", () => {
  equal(new Machine().send(SUPERSEDED).effects, ["draw", "schedule", "announce"]);
  equal(new Machine().send(TURNED_OFF, SUPERSEDED).effects, ["show_superseded", "draw", "schedule"]);
});

test("what an action shows in a superseded View does not make it the latest", () => {
  equal(new Machine().send(SUPERSEDED, { type: "widget_rendered" }).state.mode, "superseded");
});

test("without timed elements and topics nothing is ever polled", () => {
  equal(nextPollAt(new Machine().state, PLAIN), Infinity);
  equal(planPoll(new Machine().state, PLAIN, START), null);
});

test("only tiles that are due are read, and those due together by one poll", () => {
  const machine = new Machine().send({ type: "updated" });
  const plan = (ms: number) => planPoll(machine.state, TILES, START + ms);
  equal(plan(2_000), null);
  equal([plan(2_600)?.tiles, plan(2_600)?.waitMs, plan(2_600)?.isFollowing], [["cpu"], 0, false]);
  equal(plan(59_600)?.tiles, ["cpu", "disk"]);
});

test("an element that is no tile is read with the whole widget", () => {
  const whole: Timed = { name: "w", tile: undefined, everyMs: 5_000 };
  const plan = planPoll(new Machine().state, { ...PLAIN, timed: [whole] }, START + 5_000);
  equal([plan?.tiles, plan?.names], [undefined, ["w"]]);
});

test("a widget with topics is followed at once, for 25 seconds", () => {
  const { state } = new Machine();
  equal(nextPollAt(state, LIVE), 0);
  equal(planPoll(state, LIVE, START), { isFollowing: true, waitMs: MAX_WAIT_MS, isCheck: true, names: [], tiles: undefined });
});

test("a poll that follows topics ends when a tile is due", () => {
  const plan = planPoll(new Machine().state, { ...LIVE, timed: [CPU, DISK], untimedTiles: ["news"] }, START);
  equal([plan?.waitMs, plan?.tiles, plan?.isCheck], [3_000, ["cpu"], false]);
});

test("a check reads the tiles without an interval too", () => {
  const page = { ...LIVE, timed: [DISK], untimedTiles: ["news"] };
  const plan = planPoll(new Machine().state, page, START);
  equal([plan?.waitMs, plan?.tiles, plan?.isCheck], [MAX_WAIT_MS, ["news"], true]);
});

test("a tile that the user wants seldom is not read in between", () => {
  const machine = new Machine().send({ type: "interval_chosen", ms: 5 * MINUTE });
  equal(planPoll(machine.state, TILES, START + MINUTE), null);
  equal(planPoll(machine.state, TILES, START + 5 * MINUTE)?.tiles, ["cpu", "disk"]);
});

test("a widget that is timed as a whole, and seldom by choice, does not wait for changes", () => {
  const page: Page = { ...LIVE, isTimedWhole: true, timed: [{ name: "w", tile: undefined, everyMs: 5_000 }] };
  const machine = new Machine().send({ type: "interval_chosen", ms: MINUTE });
  equal(nextPollAt(machine.state, page), START + MINUTE);
  equal(planPoll(machine.state, page, START + MINUTE)?.waitMs, 0);
});

test("a failed tile is due again after its longer interval, the others at their time", () => {
  const machine = new Machine().wait(3_000).send(FAILED);
  equal(nextPollAt(machine.state, TILES), START + 9_000);
});
