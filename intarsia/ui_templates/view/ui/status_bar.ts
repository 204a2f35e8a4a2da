/** What the View shows by itself: skeleton, placeholders, the status line with its questions. All text is set as text. */

import type { ProblemKind, Status } from "../behavior";
import { root, setBusy, showPlaceholder } from "../dom/root";
import { hostContext } from "../host/theme";
import { isRecord, type Question } from "../messages";

/** A button to show. */
export interface Button {
  readonly label: string;
  run(): void;
}

export type StateName = ProblemKind | "cancelled" | "nothing";

const SKELETONS = ["task_board", "dashboard", "design_panel"];
const SKELETON_BARS = 6;

/** For each state: its style, and its title. */
const STATES: Readonly<Record<StateName, readonly [style: string, title: string]>> = {
  invalid: ["error", "This widget can't be shown"],
  refused: ["refused", "Not allowed"],
  conflict: ["error", "This has changed in the meantime"],
  unknown_tool: ["off", "Turned off or removed"],
  failed: ["error", "Something went wrong"],
  off: ["off", "Turned off by an admin"],
  too_large: ["error", "Too large to be shown"],
  superseded: ["superseded", "A newer copy is open"],
  busy: ["offline", "The server is busy"],
  offline: ["offline", "Can't reach the server"],
  cancelled: ["cancelled", "Canceled"],
  nothing: ["offline", "Nothing to show yet"],
};

export function make(tag: string, className: string, text = ""): HTMLElement {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

export function makeButton({ label, run }: Button, className = "intarsia-button"): HTMLElement {
  const button = make("button", className, label);
  button.setAttribute("type", "button");
  button.addEventListener("click", run);
  return button;
}

function makeState(style: string, title: string, text: string, button?: Button): HTMLElement {
  const state = make("div", "intarsia-state");
  state.dataset.state = style;
  state.append(make("p", "intarsia-state__title", title));
  if (text) state.append(make("p", "intarsia-state__text", text));
  if (button) state.append(makeButton(button));
  return state;
}

/** Shows a skeleton in the shape of the widget that the tool announces. */
export function showSkeleton(): void {
  const meta = hostContext().toolInfo?.tool._meta;
  const announced = isRecord(meta) ? String(meta["dev.intarsia/widget"]) : "";
  const skeleton = make("div", "intarsia-skeleton");
  skeleton.dataset.kind = SKELETONS.includes(announced) ? announced : "plain";
  skeleton.setAttribute("aria-hidden", "true");
  for (let bar = 0; bar < SKELETON_BARS; bar += 1) skeleton.append(document.createElement("i"));
  showPlaceholder(skeleton);
  setBusy(true);
}

/** Shows in the widget's place why there is none. `plainText` is its text form, if there is one. */
export function showState(name: StateName, message: string, button?: Button, plainText = ""): void {
  const [style, title] = STATES[name];
  const state = makeState(style, title, message === plainText ? "" : message, button);
  const whole = make("div", "intarsia-instead");
  whole.append(state);
  if (plainText) whole.append(make("div", "intarsia-plain", plainText));
  showPlaceholder(whole);
  setBusy(false);
  announce(message || title);
}

/** Shows the text form of a widget, as plain text. */
export function showPlainText(text: string): void {
  showPlaceholder(make("div", "intarsia-plain", text));
  setBusy(false);
}

/** The row under the widget: the last message, and how old the widget is. Its height is reserved from the start. */
export const foot = document.getElementById("intarsia-foot") ?? root.appendChild(make("div", "intarsia-foot"));
const statusLine = foot.appendChild(make("div", "intarsia-status"));
const messageLine = make("span", "intarsia-status__message");
messageLine.setAttribute("role", "status");
messageLine.id = "intarsia-question";
const announcer = make("div", "intarsia-visually-hidden");
announcer.setAttribute("aria-live", "polite");
statusLine.append(messageLine);
statusLine.after(announcer);

/** Says something to a screen reader, and shows nothing. */
export function announce(text: string): void {
  announcer.textContent = announcer.textContent === text ? `${text}\u00a0` : text; // a repeated text must differ to be read
}

/** A question counts as answered with no when something else is shown. */
let settleQuestion: (isConfirmed: boolean) => void = () => undefined;

function setStatus(message: string, tone: "" | "problem", buttons: readonly HTMLElement[]): void {
  settleQuestion(false);
  statusLine.dataset.tone = tone;
  messageLine.textContent = message;
  statusLine.replaceChildren(messageLine, ...buttons);
}

const makeQuiet = (spec: Button, name: string): HTMLElement => {
  const button = makeButton(spec, `intarsia-button intarsia-status__${name}`);
  button.dataset.variant = "quiet";
  return button;
};

const dismiss: Button = { label: "Dismiss", run: () => setStatus("", "", []) };

statusLine.addEventListener("keydown", ({ key }) => {
  if (key === "Escape") dismiss.run();
});

/** Asks the user to confirm. Escape, and any other message meanwhile, is a no. */
export function askUser({ question, label }: Question): Promise<boolean> {
  return new Promise((settle) => {
    const confirm = (): void => {
      settle(true);
      dismiss.run();
    };
    const buttons = [makeButton({ label, run: confirm }), makeButton({ label: "Cancel", run: dismiss.run })] as const;
    for (const button of buttons) button.setAttribute("aria-describedby", messageLine.id);
    buttons[0].dataset.variant = "danger";
    setStatus(question, "", buttons);
    settleQuestion = settle;
    buttons[1].focus();
  });
}

export const status: Status = {
  show: (message) => setStatus(message, "", []),
  problem: (message) => void showProblem(message),
  clear: dismiss.run,
};

/** Shows that a call waits until the server is less busy. What it returns removes the message, if it is still there. */
export function showWaiting(): () => void {
  const message = "The server is busy. Still trying…";
  setStatus(message, "", []);
  return () => {
    if (messageLine.textContent === message) dismiss.run();
  };
}

/** Shows what was done, with Undo when it can be undone. */
export function showSuccess(message: string, undo?: () => void): void {
  setStatus(message, "", undo ? [makeQuiet({ label: "Undo", run: undo }, "undo")] : []);
}

/**
 * Shows why something was not done, with Try again where that may help.
 *
 * @returns takes the message back, if no other has taken its place
 */
export function showProblem(message: string, retry?: () => void): () => void {
  const buttons = retry ? [makeQuiet({ label: "Try again", run: retry }, "retry")] : [];
  const ours = makeQuiet(dismiss, "dismiss");
  setStatus(message, "problem", [...buttons, ours]);
  return () => ours.isConnected && dismiss.run();
}
