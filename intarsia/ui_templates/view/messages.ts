/** The wire format of `docs/on-the-wire.md` as types, and its parser. Nothing from outside is used unchecked. */

import type { Outcome, ProblemKind } from "./behavior";

export type Arguments = Record<string, unknown>;

/** A rendered element, and the server's hash of it. */
export interface Piece {
  readonly hash: string;
  readonly html: string;
}

export interface ListChange {
  readonly prefix: string;
  readonly order: readonly string[];
  readonly items?: Readonly<Record<string, Piece>>;
}

/**
 * When a widget was read, and by which process: `1763830000123456.aB3dE6gH`, microseconds since 1970 and the name of the
 * process's sequence. It goes back to the server as it came.
 */
export type Revision = string;

/** Whether a revision comes before another. Those of different processes have no order: a clock may have been set back. */
export function isOlder(one: Revision, other: Revision): boolean {
  const [first, second] = [splitRevision(one), splitRevision(other)];
  return first.sequence === second.sequence && first.at < second.at;
}

/** When a widget was read, in milliseconds since 1970 by the server's clock. */
export function readAtOf(revision: Revision): number {
  return splitRevision(revision).at / 1_000;
}

function splitRevision(revision: Revision): { at: number; sequence: string } {
  const [at, sequence = ""] = revision.split(".");
  return { at: Number(at), sequence };
}

/** `dev.intarsia/parts`: a whole rendering, or the difference to one. */
export interface WidgetUpdate {
  readonly revision: Revision;
  readonly tool: string;
  readonly arguments: Arguments;
  readonly frame?: Piece;
  readonly parts?: Readonly<Record<string, Piece>>;
  readonly lists?: Readonly<Record<string, ListChange>>;
  readonly gone?: readonly string[];
  /** The only tiles that were read; absent when everything was. */
  readonly tiles?: readonly string[];
  /** Of lists that are not whole, or were asked for: start, length and total, by the place of the list. */
  readonly windows?: Readonly<Record<string, ListWindow>>;
}

/** The window of a list: the index of its first item, how many items it has at most, and how many the list has. */
export type ListWindow = readonly [start: number, count: number, total: number];

/** Another window of a list, as the user asks for it. */
export interface WantedWindow {
  readonly list: string;
  readonly start: number;
  readonly count: number;
}

/** `dev.intarsia/unchanged`: what the View shows is up to date. */
export type Unchanged = Pick<WidgetUpdate, "revision" | "tiles">;

/** `dev.intarsia/seen`: what the View shows. */
export interface Seen {
  tool: string;
  arguments: Arguments;
  frame: string;
  parts: Record<string, string>;
  lists: Record<string, string[]>;
  revision: Revision;
  tiles?: string[];
  windows?: Record<string, readonly [start: number, count: number]>;
}

/** A tool and its arguments, ready to be called. */
export interface BoundCall {
  readonly tool: string;
  readonly arguments: Arguments;
}

/** A confirmation that the server asks for before it destroys something. */
export interface Question {
  readonly question: string;
  /** The label of the button that confirms. */
  readonly label: string;
  /** The token that the confirmed call carries. */
  readonly confirmation: string;
}

/** A tool's response, whichever form it came in. */
export interface ToolResponse {
  readonly outcome: Outcome;
  /** No response came: the call may or may not have taken effect. */
  readonly isLost: boolean;
  /** The server was too busy and changed nothing: send the same call again after so many milliseconds. */
  readonly retryAfterMs: number | null;
  /** The same call, with the same key, may be sent again: it did nothing, or what it did is not done twice. */
  readonly isRetryable: boolean;
  readonly update: WidgetUpdate | null;
  /** What the View shows is still up to date. */
  readonly unchanged: Unchanged | null;
  readonly undo: BoundCall | null;
  /** Nothing was done: the user must confirm first. */
  readonly question: Question | null;
  /** The action took effect, but its widget takes longer to read: it must be requested. */
  readonly isDeferred: boolean;
  readonly text: string;
  readonly raw: ToolResult;
}

/** The fields of an MCP `CallToolResult` that the View reads. */
export interface ToolResult {
  readonly content?: readonly { readonly type?: unknown; readonly text?: unknown }[];
  readonly structuredContent?: unknown;
  readonly isError?: unknown;
  readonly _meta?: unknown;
}

/** Whether two calls are of the same tool with the same arguments, whatever their order. */
export function isSameCall(one: BoundCall, other: BoundCall): boolean {
  return one.tool === other.tool && inOrder(one.arguments) === inOrder(other.arguments);
}

function inOrder(value: unknown): string {
  const sorted = (_name: string, each: unknown): unknown =>
    isRecord(each) ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1))) : each;
  return JSON.stringify(value, sorted);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Parses arguments that the server wrote into an attribute or a text; `{}` when they are not a JSON object. */
export function parseArguments(json: string | undefined | null): Arguments {
  try {
    const value: unknown = JSON.parse(json ?? "{}");
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

export function metaOf(result: ToolResult, name: string): unknown {
  return isRecord(result._meta) ? result._meta[`dev.intarsia/${name}`] : undefined;
}

const isRevision = (value: unknown): value is Revision => typeof value === "string" && /^\d{1,20}(\.[\w-]+)?$/.test(value);

const isPiece = (value: unknown): boolean =>
  isRecord(value) && typeof value.hash === "string" && typeof value.html === "string";

const isTable = (value: unknown, isEntry: (entry: unknown) => boolean): boolean =>
  value === undefined || (isRecord(value) && Object.values(value).every(isEntry));

const isTexts = (value: unknown): boolean =>
  Array.isArray(value) && value.every((entry) => typeof entry === "string");

const isWindow = (value: unknown): boolean =>
  Array.isArray(value) && value.length === 3 && value.every((number) => Number.isSafeInteger(number));

const isList = (value: unknown): boolean =>
  isRecord(value) && typeof value.prefix === "string" && isTexts(value.order) && isTable(value.items, isPiece);

function isWidgetUpdate(value: unknown): value is WidgetUpdate {
  return (
    isRecord(value) &&
    isRevision(value.revision) &&
    typeof value.tool === "string" &&
    isRecord(value.arguments) &&
    (value.frame === undefined || isPiece(value.frame)) &&
    isTable(value.parts, isPiece) &&
    isTable(value.lists, isList) &&
    (value.gone === undefined || isTexts(value.gone)) &&
    (value.tiles === undefined || isTexts(value.tiles)) &&
    isTable(value.windows, isWindow)
  );
}

/** The rendering in a result; null when there is none, or when a host removed it. */
function updateOf(result: ToolResult): WidgetUpdate | null {
  const parts = metaOf(result, "parts");
  return isWidgetUpdate(parts) ? parts : null;
}

function unchangedOf(result: ToolResult): Unchanged | null {
  const meta = metaOf(result, "unchanged");
  if (!isRecord(meta) || !isRevision(meta.revision)) return null;
  return { revision: meta.revision, ...(isTexts(meta.tiles) && { tiles: meta.tiles as string[] }) };
}

/** Whether the connector itself refused, and not a host on the way to it. */
export function isRefusal({ raw, outcome }: ToolResponse): boolean {
  return !outcome.ok && outcome.kind === "refused" && Boolean(metaOf(raw, "problem"));
}

/** Says of a tool that it is not there, in the words of servers and hosts. */
const UNKNOWN_TOOL = /\b(?:unknown|not found|no (?:such )?tool|not exist|not available)\b/i;

/** Whether a call failed because there is no tool of that name, whoever said so. */
export function isUnknownTool({ raw, outcome }: ToolResponse): boolean {
  if (outcome.ok || outcome.kind === "offline") return false;
  return outcome.kind === "unknown_tool" || (!metaOf(raw, "problem") && UNKNOWN_TOOL.test(outcome.message));
}

/** The last line of a text form: a tool and its arguments. It only helps to read again, and grants nothing. */
const REFERENCE = /(?:^|\n)View: `+([\w.\-/]{1,128}) (\{.*\})`+\s*$/;

/** The tool and the arguments that the last line of a text form names. */
export function referenceIn(text: string): BoundCall | null {
  const [, tool, json] = REFERENCE.exec(text) ?? [];
  return tool ? { tool, arguments: parseArguments(json) } : null;
}

/** A text form without the line that names its tool. */
export function withoutReference(text: string): string {
  return text.replace(REFERENCE, "").trim();
}

/** By which of the two ways the View's own values reached the server. */
export function viaOf(result: ToolResult): "meta" | "argument" | null {
  const via = metaOf(result, "via");
  return via === "meta" || via === "argument" ? via : null;
}

/** `dev.intarsia/applied`: the keys that the View asked about whose actions took effect. */
export function appliedKeys(result: ToolResult): readonly string[] {
  const keys = metaOf(result, "applied");
  return isTexts(keys) ? (keys as string[]) : [];
}

export function boundCall(value: unknown): BoundCall | null {
  if (!isRecord(value) || typeof value.tool !== "string") return null;
  return { tool: value.tool, arguments: isRecord(value.arguments) ? value.arguments : {} };
}

export function textOf(result: ToolResult): string {
  const block = Array.isArray(result.content) ? result.content.find((each) => typeof each?.text === "string") : null;
  return typeof block?.text === "string" ? block.text : "";
}

function questionOf(result: ToolResult): Question | null {
  const meta = metaOf(result, "confirm");
  if (!isRecord(meta) || typeof meta.confirmation !== "string") return null;
  return { question: String(meta.question), label: String(meta.label), confirmation: meta.confirmation };
}

const PROBLEM_KINDS: readonly string[] = ["invalid", "refused", "conflict", "unknown_tool", "failed", "off", "superseded", "busy", "too_large"];

function sentence(value: unknown, fallback: string): string {
  return typeof value === "string" && value.trim() ? value : fallback;
}

/** Seconds that a server named, in milliseconds; null when they are none. */
export function millisecondsOf(seconds: unknown): number | null {
  return typeof seconds === "number" && Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : null;
}

/** Parses a result. A refusal by `isError` becomes an outcome like any other. */
export function parseResponse(result: ToolResult): ToolResponse {
  const text = textOf(result);
  const isDeferred = metaOf(result, "later") === true;
  const [update, unchanged, question] = [updateOf(result), unchangedOf(result), questionOf(result)];
  const base = { isLost: false, retryAfterMs: null, isRetryable: false, update, unchanged, question, isDeferred, text, raw: result };
  if (result.isError === true) {
    const meta = metaOf(result, "problem");
    const problem = isRecord(meta) ? meta : {};
    const kind = PROBLEM_KINDS.includes(String(problem.kind)) ? (problem.kind as ProblemKind) : "failed";
    const message = sentence(problem.message, sentence(text, "The request failed."));
    const retryAfterMs = kind === "busy" ? millisecondsOf(problem.retry_after) : null;
    const isRetryable = kind === "busy" || problem.retryable === true;
    return { ...base, undo: null, outcome: { ok: false, kind, message }, retryAfterMs, isRetryable };
  }
  const meta = metaOf(result, "done");
  const done = isRecord(meta) ? meta : {};
  const message = typeof done.message === "string" ? done.message : "";
  return { ...base, undo: boundCall(done.undo), outcome: { ok: true, message } };
}
