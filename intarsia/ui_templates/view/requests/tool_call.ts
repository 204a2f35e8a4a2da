/** One `tools/call`: adds the View's own values by both ways they can travel, and returns a response whatever happened. */

import type { Outcome } from "../behavior";
import { request, type RequestError } from "../host/bridge";
import { type Arguments, metaOf, parseResponse, type Seen, type ToolResponse, type ToolResult, viaOf } from "../messages";
import { isAbort } from "./queue";
import { recordCall } from "./rate_limit";

/** What the View adds to a call. */
export interface CallExtras {
  readonly seen?: Seen | null;
  /** The idempotency key of an action. */
  readonly id?: string;
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

/** Makes an idempotency key: 16 random bytes in hex. */
export function newIdempotencyKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function withExtras(name: string, args: Arguments, extras: CallExtras): Record<string, unknown> {
  const own = Object.fromEntries(Object.entries({ ...extras, view: handle }).filter(([, value]) => value));
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
