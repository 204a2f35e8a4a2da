/** One `tools/call`: the View's own values on it, the two ways they travel, and its answer in one form whatever happened. */

import type { Outcome } from "./behavior";
import { request, type RequestError } from "./bridge";
import { isAbort } from "./lane";
import { noteCall } from "./pace";
import type { Answer, Arguments, Seen, ToolResult } from "./wire";
import { metaOf, readAnswer, viaOf } from "./wire";

/** What the View adds to a call. */
export interface Extras {
  readonly seen?: Seen | null;
  /** The idempotency key of an action. */
  readonly id?: string;
  /** A person's yes. */
  readonly confirmation?: string | undefined;
}

/** How request metadata reaches the server; until an answer says so, both ways are used. */
let via: "meta" | "argument" | null = null;

/** Proves to the server that a View calls. It goes back with every call, and is shown nowhere. */
let handle: unknown;

/** Keeps the handle that came with a result. */
export function noteHandle(result: ToolResult): void {
  handle = metaOf(result, "view") ?? handle;
}

/** A new idempotency key: 16 random bytes in hex. */
export function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function withExtras(name: string, args: Arguments, extras: Extras): Record<string, unknown> {
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
 * @returns the answer; a refusal and a lost answer are answers too
 * @throws DOMException an `AbortError`, and nothing else
 */
export async function ask(name: string, args: Arguments, extras: Extras, signal?: AbortSignal): Promise<Answer> {
  noteCall();
  try {
    const result = await request("tools/call", withExtras(name, args, extras), signal);
    via = viaOf(result) ?? via;
    noteHandle(result);
    return readAnswer(result);
  } catch (error) {
    if (isAbort(error)) throw error;
    return answerForError(error);
  }
}

function answerForError(error: unknown): Answer {
  const { isLost: lost, message: said } = error as RequestError;
  const message = lost ? "The server could not be reached." : said.replace(/^MCP error -?\d+: /, "") || "The host refused.";
  const outcome: Outcome = { ok: false, kind: lost ? "offline" : "refused", message };
  return { outcome, lost, parts: null, unchanged: null, undo: null, question: null, isLater: false, text: "", raw: {} };
}
