/** What the View says by itself: skeleton, plain states, the status line. All text is set as text. */

import type { ProblemKind, Status } from "./behavior";
import { hostContext } from "./theme";
import { place, setBusy, showInstead } from "./stage";
import { isRecord, type Question } from "./wire";

/** A button that the shell shows. */
export interface Offer {
  readonly label: string;
  run(): void;
}

export type StateName = ProblemKind | "cancelled";

const SKELETONS = ["task_board", "dashboard", "design_panel"];
const SKELETON_BARS = 6;

/** For each state: the look it has, and its first line. */
const STATES: Readonly<Record<StateName, readonly [look: string, title: string]>> = {
  invalid: ["error", "This cannot be shown"],
  refused: ["refused", "Not allowed"],
  conflict: ["error", "Something changed meanwhile"],
  unknown_tool: ["off", "Turned off by your admin, or no longer there"],
  failed: ["error", "Something went wrong"],
  off: ["off", "Turned off by your admin"],
  superseded: ["superseded", "Opened again since"],
  offline: ["offline", "The server could not be reached"],
  cancelled: ["cancelled", "Cancelled"],
};

export function make(tag: string, className: string, text = ""): HTMLElement {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

export function makeButton({ label, run }: Offer, className = "intarsia-button"): HTMLElement {
  const button = make("button", className, label);
  button.setAttribute("type", "button");
  button.addEventListener("click", run);
  return button;
}

function makeState(look: string, title: string, text: string, offer?: Offer): HTMLElement {
  const state = make("div", "intarsia-state");
  state.dataset.state = look;
  state.append(make("p", "intarsia-state__title", title));
  if (text) state.append(make("p", "intarsia-state__text", text));
  if (offer) state.append(makeButton(offer));
  return state;
}

/** Shows where the widget will be, in the shape of the kind that the tool announces. */
export function showSkeleton(): void {
  const meta = hostContext().toolInfo?.tool._meta;
  const announced = isRecord(meta) ? String(meta["dev.intarsia/widget"]) : "";
  const skeleton = make("div", "intarsia-skeleton");
  skeleton.dataset.kind = SKELETONS.includes(announced) ? announced : "plain";
  skeleton.setAttribute("aria-hidden", "true");
  for (let bar = 0; bar < SKELETON_BARS; bar += 1) skeleton.append(document.createElement("i"));
  showInstead(skeleton);
  setBusy(true);
}

/** Shows why there is no widget, in its place. `plainText` is the widget's text form, when that at least came. */
export function showState(name: StateName, message: string, offer?: Offer, plainText = ""): void {
  const [look, title] = STATES[name];
  const state = makeState(look, title, message === plainText ? "" : message, offer);
  const whole = make("div", "intarsia-instead");
  whole.append(state);
  if (plainText) whole.append(make("div", "intarsia-plain", plainText));
  showInstead(whole);
  setBusy(false);
  announce(message || title);
}

/** Shows the text form of a widget, as plain text. */
export function showPlainText(text: string): void {
  showInstead(make("div", "intarsia-plain", text));
  setBusy(false);
}

/** The row under the widget: what was said last, and how old what is shown is. Its room is there from the start. */
export const foot = document.getElementById("intarsia-foot") ?? place.appendChild(make("div", "intarsia-foot"));
const statusLine = foot.appendChild(make("div", "intarsia-status"));
const messageLine = make("span", "intarsia-status__message");
messageLine.setAttribute("role", "status");
messageLine.id = "intarsia-question";
const announcer = make("div", "intarsia-visually-hidden");
announcer.setAttribute("aria-live", "polite");
statusLine.append(messageLine);
statusLine.after(announcer);

/** Says something to a screen reader and shows nothing. */
export function announce(text: string): void {
  announcer.textContent = announcer.textContent === text ? `${text}\u00a0` : text; // the same words again are news too
}

/** A question that something else took the place of was not answered with yes. */
let settleQuestion: (isSure: boolean) => void = () => undefined;

function setStatus(message: string, tone: "" | "problem", offers: readonly HTMLElement[]): void {
  settleQuestion(false);
  statusLine.dataset.tone = tone;
  messageLine.textContent = message;
  statusLine.replaceChildren(messageLine, ...offers);
}

const quiet = (offer: Offer, name: string): HTMLElement => {
  const button = makeButton(offer, `intarsia-button intarsia-status__${name}`);
  button.dataset.variant = "quiet";
  return button;
};

const dismiss: Offer = { label: "Dismiss", run: () => setStatus("", "", []) };

statusLine.addEventListener("keydown", ({ key }) => {
  if (key === "Escape") dismiss.run();
});

/** Asks a person whether something shall be destroyed. Escape, and whatever else is said meanwhile, is a no. */
export function askPerson({ question, label }: Question): Promise<boolean> {
  return new Promise((settle) => {
    const sure = (): void => {
      settle(true);
      dismiss.run();
    };
    const buttons = [makeButton({ label, run: sure }), makeButton({ label: "Keep", run: dismiss.run })] as const;
    for (const button of buttons) button.setAttribute("aria-describedby", messageLine.id);
    buttons[0].dataset.variant = "danger";
    setStatus(question, "", buttons);
    settleQuestion = settle;
    buttons[1].focus();
  });
}

export const status: Status = {
  show: (message) => setStatus(message, "", []),
  problem: (message) => showProblem(message),
  clear: dismiss.run,
};

/** Shows what was done, with the way back when there is one. */
export function showDone(message: string, undo?: () => void): void {
  setStatus(message, "", undo ? [quiet({ label: "Undo", run: undo }, "undo")] : []);
}

/** Shows why something did not happen, with a way to try again when that may help. */
export function showProblem(message: string, retry?: () => void): void {
  const offers = retry ? [quiet({ label: "Try again", run: retry }, "retry")] : [];
  setStatus(message, "problem", [...offers, quiet(dismiss, "dismiss")]);
}
