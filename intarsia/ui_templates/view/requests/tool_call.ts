/** One `tools/call`: adds the View's own values by both ways they can travel, and returns a response whatever happened. */

import type { Outcome } from "../behavior";
import { request, type RequestError } from "../host/bridge";
import {
  appliedKeys,
  type Arguments,
  metaOf,
  parseResponse,
  type Seen,
  type ToolResponse,
  type ToolResult,
  viaOf,
  type WantedWindow,
} from "../messages";
import { isAbort } from "./queue";
import { recordCall } from "./rate_limit";

/** What the View adds to a call. */
export interface CallExtras {
  readonly seen?: Seen | null;
  /** The idempotency key of an action. */
  readonly id?: string;
  /** Another window of a list. */
  readonly window?: WantedWindow | undefined;
  /** The token of a question that the user confirmed. */
  readonly confirmation?: string | undefined;
}

/** By which way the View's values reach the server. Both are used until a response tells. */
let via: "meta" | "argument" | null = null;

/** Proves to the server that a View calls. It goes back with every call, and is never shown. */
let handle: unknown;

/** Stores the handle of a result, if it has one. */
export function storeHandle(result: ToolResult): void {
  handle = metaOf(result, "view") ?? handle;
}

interface Waiting {
  readonly promise: Promise<void>;
  resolve(): void;
}

function makeWaiting(): Waiting {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((proceed) => (resolve = proceed));
  return { promise, resolve: () => resolve() };
}

/** The keys of actions that got no response. Other calls ask whether they took effect. */
const unanswered = new Map<string, Waiting>();
const MAX_UNANSWERED = 8;

/** Resolves when a later response says that the action with this key took effect after all. */
export function untilApplied(key: string): Promise<void> {
  const waiting = unanswered.get(key) ?? makeWaiting();
  unanswered.set(key, waiting);
  const [oldest] = unanswered.keys();
  if (unanswered.size > MAX_UNANSWERED && oldest) unanswered.delete(oldest);
  return waiting.promise;
}

/** Stops asking about a key: its action got a response. */
export function forgetKey(key: string): void {
  unanswered.delete(key);
}

function noteApplied(result: ToolResult): void {
  for (const key of appliedKeys(result)) unanswered.get(key)?.resolve();
}

/** Makes an idempotency key: 16 random bytes in hex. */
export function newIdempotencyKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function withExtras(name: string, args: Arguments, extras: CallExtras): Record<string, unknown> {
  const asked = extras.id || !unanswered.size ? {} : { unanswered: [...unanswered.keys()] };
  const own = Object.fromEntries(Object.entries({ ...extras, ...asked, view: handle }).filter(([, value]) => value));
  const params: Record<string, unknown> = { name, arguments: args };
  if (!Object.keys(own).length) return params;
  if (via !== "meta") params.arguments = { ...args, _intarsia: own };
  if (via !== "argument") {
    params._meta = Object.fromEntries(Object.entries(own).map(([key, value]) => [`dev.intarsia/${key}`, value]));
  }
  return params;
}

/**
 * Calls a tool.
 *
 * @returns the response; a refusal and a lost response are responses too
 * @throws DOMException an `AbortError`, and nothing else
 */
export async function callTool(
  name: string,
  args: Arguments,
  extras: CallExtras,
  signal?: AbortSignal,
): Promise<ToolResponse> {
  recordCall();
  try {
    const result = await request("tools/call", withExtras(name, args, extras), signal);
    via = viaOf(result) ?? via;
    storeHandle(result);
    noteApplied(result);
    return parseResponse(result);
  } catch (error) {
    if (isAbort(error)) throw error;
    return responseForError(error);
  }
}

function responseForError(error: unknown): ToolResponse {
  const { isLost, message: reason } = error as RequestError;
  const refusal = reason.replace(/^MCP error -?\d+: /, "") || "The host app refused the request.";
  const message = isLost ? "The server did not respond." : refusal;
  const outcome: Outcome = { ok: false, kind: isLost ? "offline" : "refused", message };
  const nothing = { update: null, unchanged: null, undo: null, question: null, isDeferred: false, text: "", raw: {} };
  return { outcome, isLost, retryAfterMs: null, isRetryable: isLost, ...nothing };
}
