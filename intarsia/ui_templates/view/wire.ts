/** What `docs/on-the-wire.md` says, as types, and the reading of it: nothing from outside is believed unread. */

import type { Outcome, ProblemKind } from "./behavior";

export type Arguments = Record<string, unknown>;

/** A rendered element and the hash the server gave it. */
export interface Piece {
  readonly hash: string;
  readonly html: string;
}

export interface ListChange {
  readonly prefix: string;
  readonly order: readonly string[];
  readonly items?: Readonly<Record<string, Piece>>;
}

/** `dev.intarsia/parts`: a rendering, or what changed in one. */
export interface PartsAnswer {
  readonly revision: number;
  readonly tool: string;
  readonly arguments: Arguments;
  readonly frame?: Piece;
  readonly parts?: Readonly<Record<string, Piece>>;
  readonly lists?: Readonly<Record<string, ListChange>>;
  readonly gone?: readonly string[];
  /** The only tiles that were read; left out when everything was. */
  readonly tiles?: readonly string[];
}

/** `dev.intarsia/unchanged`: what was read is what the View holds. */
export type Unchanged = Pick<PartsAnswer, "revision" | "tiles">;

/** `dev.intarsia/seen`: what the View holds. */
export interface Seen {
  tool: string;
  arguments: Arguments;
  frame: string;
  parts: Record<string, string>;
  lists: Record<string, string[]>;
  revision: number;
  tiles?: string[];
}

/** A tool with its arguments, ready to be called: an Undo. */
export interface BoundCall {
  readonly tool: string;
  readonly arguments: Arguments;
}

/** What a person is asked before something is destroyed, and what their yes brings back. */
export interface Question {
  readonly question: string;
  readonly label: string;
  readonly confirmation: string;
}

/** What a tool said, whichever way it said it. */
export interface Answer {
  readonly outcome: Outcome;
  /** No answer came: the call may or may not have happened. */
  readonly lost: boolean;
  readonly parts: PartsAnswer | null;
  /** What is shown is still true. */
  readonly unchanged: Unchanged | null;
  readonly undo: BoundCall | null;
  /** Nothing was done yet: a person must be asked first. */
  readonly question: Question | null;
  /** It was done, and what changed of the widget takes longer to read: it is to be asked for. */
  readonly isLater: boolean;
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

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function metaOf(result: ToolResult, name: string): unknown {
  return isRecord(result._meta) ? result._meta[`dev.intarsia/${name}`] : undefined;
}

const isPiece = (value: unknown): boolean =>
  isRecord(value) && typeof value.hash === "string" && typeof value.html === "string";

const isTable = (value: unknown, isEntry: (entry: unknown) => boolean): boolean =>
  value === undefined || (isRecord(value) && Object.values(value).every(isEntry));

const isTexts = (value: unknown): boolean =>
  Array.isArray(value) && value.every((entry) => typeof entry === "string");

const isList = (value: unknown): boolean =>
  isRecord(value) && typeof value.prefix === "string" && isTexts(value.order) && isTable(value.items, isPiece);

function isPartsAnswer(value: unknown): value is PartsAnswer {
  return (
    isRecord(value) &&
    typeof value.revision === "number" &&
    typeof value.tool === "string" &&
    isRecord(value.arguments) &&
    (value.frame === undefined || isPiece(value.frame)) &&
    isTable(value.parts, isPiece) &&
    isTable(value.lists, isList) &&
    (value.gone === undefined || isTexts(value.gone)) &&
    (value.tiles === undefined || isTexts(value.tiles))
  );
}

/** The rendering that a result carries, or null when a host took it away. */
export function partsOf(result: ToolResult): PartsAnswer | null {
  const parts = metaOf(result, "parts");
  return isPartsAnswer(parts) ? parts : null;
}

function unchangedOf(result: ToolResult): Unchanged | null {
  const said = metaOf(result, "unchanged");
  if (!isRecord(said) || typeof said.revision !== "number") return null;
  return { revision: said.revision, ...(isTexts(said.tiles) && { tiles: said.tiles as string[] }) };
}

/** Whether the connector itself refused, and not a host on the way to it. */
export function isRefusal({ raw, outcome }: Answer): boolean {
  return !outcome.ok && outcome.kind === "refused" && Boolean(metaOf(raw, "problem"));
}

/** Which of the two ways the View's own values reached the server by. */
export function viaOf(result: ToolResult): "meta" | "argument" | null {
  const via = metaOf(result, "via");
  return via === "meta" || via === "argument" ? via : null;
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
  const asked = metaOf(result, "confirm");
  if (!isRecord(asked) || typeof asked.confirmation !== "string") return null;
  return { question: String(asked.question), label: String(asked.label), confirmation: asked.confirmation };
}

const PROBLEM_KINDS: readonly string[] = ["invalid", "refused", "conflict", "unknown_tool", "failed", "off", "superseded"];

function sentence(value: unknown, otherwise: string): string {
  return typeof value === "string" && value.trim() ? value : otherwise;
}

/** Reads a result: a refusal by `isError` becomes an outcome like any other. */
export function readAnswer(result: ToolResult): Answer {
  const text = textOf(result);
  const isLater = metaOf(result, "later") === true;
  const [parts, unchanged, question] = [partsOf(result), unchangedOf(result), questionOf(result)];
  const base = { lost: false, parts, unchanged, question, isLater, text, raw: result };
  if (result.isError === true) {
    const problem = metaOf(result, "problem");
    const said = isRecord(problem) ? problem : {};
    const kind = PROBLEM_KINDS.includes(String(said.kind)) ? (said.kind as ProblemKind) : "failed";
    const message = sentence(said.message, sentence(text, "This did not work."));
    return { ...base, undo: null, outcome: { ok: false, kind, message } };
  }
  const done = metaOf(result, "done");
  const said = isRecord(done) ? done : {};
  const message = typeof said.message === "string" ? said.message : "";
  return { ...base, undo: boundCall(said.undo), outcome: { ok: true, message } };
}
