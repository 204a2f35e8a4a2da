/** Actions: each press once, in order, retried under the same key, answered by the true widget. */

import type { Outcome } from "./behavior";
import { ask, type Extras, newKey } from "./calls";
import { noteDoing } from "./context";
import { flushDraft } from "./drafts";
import { captureFields, formOf } from "./fields";
import { captureFocus } from "./focus";
import { untilReleased } from "./hold";
import { isAbort, takeTurn } from "./lane";
import { noteStale } from "./live";
import { currentGeneration, pieceAround, seenNow, shownWidget } from "./parts";
import { readNow, readShown } from "./reads";
import { askPerson, showDone, showProblem } from "./shell";
import { place, restoreAround, restoreOrder, showAnswer } from "./stage";
import type { Answer, Arguments, Question } from "./wire";

/** Something a person wants done. */
export interface Wish {
  readonly tool: string;
  /** Asked when the call is sent, so that it holds the newest version of the thing it is about. */
  arguments(): Arguments;
  /** The control or the item it came from. */
  readonly from: Element | null;
}

const CLOSED: Outcome = { ok: false, kind: "failed", message: "The widget was closed." };

const pressed = new Map<string, Promise<Outcome>>();
/** The keys of wishes that no answer came to. */
const unanswered = new Map<string, string>();

/** Does what a person asked for. The same wish pressed again before it was answered is the same wish. */
export function act(wish: Wish): Promise<Outcome> {
  const name = JSON.stringify([wish.tool, wish.arguments()]);
  const underway = pressed.get(name);
  if (underway) return underway;
  const outcome = perform(wish, name, unanswered.get(name) ?? newKey()).finally(() => pressed.delete(name));
  pressed.set(name, outcome);
  return outcome;
}

async function perform(wish: Wish, name: string, key: string, confirmation?: string): Promise<Outcome> {
  const release = markWorking(wish.from);
  const settle = prepareToSettle(wish.from);
  // What was asked about is what is done, whatever the control says by then.
  let args: Arguments = {};
  const meant: Wish = { ...wish, arguments: () => args };
  try {
    const { question, outcome, isLater } = await takeTurn("action", async (signal) => {
      await flushDraft();
      args = wish.arguments();
      const answer = await performNow(meant, { id: key, confirmation }, signal);
      if (answer.lost) unanswered.set(name, key);
      else unanswered.delete(name);
      if (!answer.isLater) settle(answer.outcome);
      if (!answer.question) say(answer, () => void perform(confirmation ? meant : wish, name, key, confirmation));
      return answer;
    });
    if (isLater) {
      await showLater();
      settle(outcome);
    }
    release();
    return question && (await isSure(question)) ? await perform(meant, name, key, question.confirmation) : outcome;
  } catch (error) {
    if (isAbort(error)) return CLOSED;
    throw error;
  } finally {
    release();
  }
}

/** Asks, and gives the focus back to the control that was pressed, unless the person has gone on to another. */
async function isSure(question: Question): Promise<boolean> {
  const refocus = captureFocus();
  const answer = await askPerson(question);
  if (document.activeElement === document.body) refocus();
  return answer;
}

async function performNow(wish: Wish, extras: Extras, signal: AbortSignal): Promise<Answer> {
  let base = currentGeneration();
  const send = (): Promise<Answer> => {
    base = currentGeneration();
    return ask(wish.tool, wish.arguments(), { ...extras, seen: seenNow() }, signal);
  };
  let answer = await send();
  if (answer.lost) answer = await send();
  await untilReleased(signal);
  if (!answer.question && !answer.isLater) await showTruth(answer, base, signal);
  return answer;
}

/** Shows what the server answered; when that is nothing that fits, what it says when asked again. */
async function showTruth(answer: Answer, base: number, signal: AbortSignal): Promise<void> {
  const verdict = answer.parts ? showAnswer(answer.parts, base) : "unfit";
  const widget = shownWidget();
  if (verdict === "shown" || !widget) return;
  sayIfStale(await readNow(widget, signal));
}

/** Shows what was done when the server has read it. When people did more meanwhile, the answer to that shows it. */
async function showLater(): Promise<void> {
  const answer = await readShown();
  if (answer) sayIfStale(answer);
}

function sayIfStale({ outcome }: Answer): void {
  if (outcome.ok) return;
  restoreOrder();
  noteStale(outcome.message);
}

/** What the press changed in a control gives way to what the server says. Words in a refused form are kept. */
function prepareToSettle(from: Element | null): (outcome: Outcome) => void {
  if (!from) return () => undefined;
  const reset = captureFields(from);
  return (outcome) => {
    restoreAround(from);
    reset(outcome.ok);
  };
}

function say({ outcome, lost, undo }: Answer, retry: () => void): void {
  if (!outcome.ok) return showProblem(outcome.message, lost ? retry : undefined);
  noteDoing(outcome.message);
  const revert = undo && ((): void => void act({ tool: undo.tool, arguments: () => undo.arguments, from: null }));
  if (outcome.message) showDone(outcome.message, revert ?? undefined);
}

/** A control takes no second press, and what it belongs to says that it is worked on. The focus stays. */
function markWorking(from: Element | null): () => void {
  if (!from) return () => undefined;
  const piece = pieceAround(place, from) ?? from;
  if (from.matches("button,input,select") && !formOf(from)) from.setAttribute("aria-disabled", "true");
  piece.setAttribute("aria-busy", "true");
  return () => {
    from.removeAttribute("aria-disabled");
    piece.removeAttribute("aria-busy");
  };
}
