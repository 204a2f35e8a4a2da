/** Runs actions: each click once, in order, retried under the same key, ending with the widget as the server has it. */

import type { Outcome } from "../behavior";
import { currentGeneration, currentSeen, pieceAround, shownWidget } from "../dom/apply_update";
import { captureFocus } from "../dom/focus";
import { untilReleased } from "../dom/render_lock";
import { restoreAround, restoreOrder, root, showUpdate } from "../dom/root";
import { reportStale } from "../live/poller";
import type { Arguments, Question, ToolResponse } from "../messages";
import * as queue from "../requests/queue";
import { readInTurn, readShownWidget } from "../requests/read_widget";
import { sendUntilAccepted } from "../requests/retry_later";
import { type CallExtras, callTool, forgetKey, newIdempotencyKey, untilApplied } from "../requests/tool_call";
import { askUser, showProblem, showSuccess, showWaiting } from "../ui/status_bar";
import { flushDraft } from "./drafts";
import { captureFields, formOf } from "./form_values";
import { reportAction } from "./model_context";

/** An action that the user asked for. */
export interface ActionRequest {
  readonly tool: string;
  /** Evaluated when the call is sent, so that the version of the item it is about is the newest. */
  arguments(): Arguments;
  /** The control or the item that it came from. */
  readonly from: Element | null;
}

/** A message that is no longer true stays at least so long, because nobody could read one that flashes. */
const MIN_SHOWN_MS = 2_000;

const CLOSED: Outcome = { ok: false, kind: "failed", message: "The widget was closed." };

const inFlight = new Map<string, Promise<Outcome>>();
/** The keys of requests that got no response, or one that asks to send them again. */
const unanswered = new Map<string, string>();

/** Runs an action. The same action clicked again before its response is the same request. */
export function runAction(request: ActionRequest): Promise<Outcome> {
  const name = JSON.stringify([request.tool, request.arguments()]);
  const running = inFlight.get(name);
  if (running) return running;
  const key = unanswered.get(name) ?? newIdempotencyKey();
  const outcome = perform(request, name, key).finally(() => inFlight.delete(name));
  inFlight.set(name, outcome);
  return outcome;
}

async function perform(request: ActionRequest, name: string, key: string, confirmation?: string): Promise<Outcome> {
  const release = markBusy(request.from);
  const settle = prepareToSettle(request.from);
  // A confirmed call has the arguments of the question, whatever the control holds by then.
  let args: Arguments = {};
  const confirmed: ActionRequest = { ...request, arguments: () => args };
  try {
    const { question, outcome, isDeferred } = await queue.run("action", async (signal) => {
      await flushDraft();
      args = request.arguments();
      const response = await performInTurn(confirmed, { id: key, confirmation }, signal);
      if (response.isRetryable) unanswered.set(name, key);
      else forget(name, key);
      if (!response.isDeferred) settle(response.outcome);
      if (!response.question) {
        const withdraw = report(response, () => void perform(confirmation ? confirmed : request, name, key, confirmation));
        const acceptLate = (): void => {
          if (unanswered.get(name) !== key) return; // it got a response meanwhile
          forget(name, key);
          settle({ ok: true, message: "" });
          withdraw();
        };
        const isRead = new Promise((proceed) => setTimeout(proceed, MIN_SHOWN_MS));
        if (response.isLost) void Promise.all([untilApplied(key), isRead]).then(acceptLate);
      }
      return response;
    });
    if (isDeferred) {
      await showDeferred();
      settle(outcome);
    }
    release();
    return question && (await confirm(question)) ? await perform(confirmed, name, key, question.confirmation) : outcome;
  } catch (error) {
    if (queue.isAbort(error)) return CLOSED;
    throw error;
  } finally {
    release();
  }
}

/** The key is done with: the same action from now on is another one. */
function forget(name: string, key: string): void {
  if (unanswered.get(name) === key) unanswered.delete(name);
  forgetKey(key);
}

/** Asks the user, and returns the focus to the control, unless the user has gone on to another. */
async function confirm(question: Question): Promise<boolean> {
  const restoreFocus = captureFocus();
  const isConfirmed = await askUser(question);
  if (document.activeElement === document.body) restoreFocus();
  return isConfirmed;
}

async function performInTurn(request: ActionRequest, extras: CallExtras, signal: AbortSignal): Promise<ToolResponse> {
  let base = currentGeneration();
  const send = (): Promise<ToolResponse> => {
    base = currentGeneration();
    return callTool(request.tool, request.arguments(), { ...extras, seen: currentSeen() }, signal);
  };
  const sendTwiceIfLost = async (): Promise<ToolResponse> => {
    const response = await send();
    return response.isLost ? send() : response;
  };
  const response = await sendUntilAccepted(sendTwiceIfLost, signal, showWaiting);
  await untilReleased(signal);
  if (response.question || response.isDeferred) return response;
  if (response.isLost && extras.id) void untilApplied(extras.id);
  await showResult(response, base, signal);
  return response;
}

/** Shows the widget of a response; without one that applies, the widget is read again. */
async function showResult(response: ToolResponse, base: number, signal: AbortSignal): Promise<void> {
  const result = response.update ? showUpdate(response.update, base) : "needs_full_read";
  const widget = shownWidget();
  if (result === "shown" || !widget) return;
  reportIfStale(await readInTurn(widget, signal));
}

/** Reads the widget when the server has it. If the user did more meanwhile, that response shows it. */
async function showDeferred(): Promise<void> {
  const response = await readShownWidget();
  if (response) reportIfStale(response);
}

function reportIfStale({ outcome }: ToolResponse): void {
  if (outcome.ok) return;
  restoreOrder();
  reportStale(outcome.message);
}

/** Lets controls follow the server after a response. Text in a form that was refused stays. */
function prepareToSettle(from: Element | null): (outcome: Outcome) => void {
  if (!from) return () => undefined;
  const reset = captureFields(from);
  return (outcome) => {
    restoreAround(from);
    reset(outcome.ok);
  };
}

/** Says how an action ended. Returns a function that takes back why it was not done. */
function report({ outcome, isRetryable, undo }: ToolResponse, retry: () => void): () => void {
  if (!outcome.ok) return showProblem(outcome.message, isRetryable ? retry : undefined);
  reportAction(outcome.message);
  const revert = undo && ((): void => void runAction({ tool: undo.tool, arguments: () => undo.arguments, from: null }));
  if (outcome.message) showSuccess(outcome.message, revert ?? undefined);
  return () => undefined;
}

/** Disables a control against a second click, and marks what it belongs to as busy. The focus stays. */
function markBusy(from: Element | null): () => void {
  if (!from) return () => undefined;
  const piece = pieceAround(root, from) ?? from;
  if (from.matches("button,input,select") && !formOf(from)) from.setAttribute("aria-disabled", "true");
  piece.setAttribute("aria-busy", "true");
  return () => {
    from.removeAttribute("aria-disabled");
    piece.removeAttribute("aria-busy");
  };
}
