/** A small server behind the test page's host: it implements `docs/on-the-wire.md`, and fails like real ones. */

export interface Rendering {
  frame: string;
  parts?: Record<string, string>;
  lists?: Record<string, { prefix: string; items: [key: string, html: string][] }>;
}

interface Seen {
  tool: string;
  arguments: Record<string, unknown>;
  frame: string;
  parts: Record<string, string>;
  lists: Record<string, string[]>;
  tiles?: string[];
}

export interface Call {
  name: string;
  arguments: Record<string, unknown>;
  _meta?: Record<string, unknown>;
}

export interface Done {
  message: string;
  undo?: { tool: string; arguments: Record<string, unknown> };
}

type Arguments = Record<string, unknown>;
type Result = Record<string, unknown>;

/** A refusal of an action, with the kind that the View receives. */
export class Refusal extends Error {
  constructor(
    readonly kind: string,
    message: string,
  ) {
    super(message);
  }
}

/** A hash of some markup, eight characters long. */
export function hashOf(html: string): string {
  let [low, high] = [0x811c9dc5, 0x1b873593];
  for (const character of html) {
    low = Math.imul(low ^ (character.codePointAt(0) ?? 0), 16777619);
    high = Math.imul(high ^ low, 2246822507);
  }
  return (low >>> 0).toString(36).padStart(7, "0").slice(-4) + (high >>> 0).toString(36).padStart(7, "0").slice(-4);
}

const piece = (html: string) => ({ hash: hashOf(html), html });

export class FakeServer {
  readonly widgets = new Map<string, (args: Arguments, tiles?: string[]) => Rendering>();
  readonly actions = new Map<string, (args: Arguments) => Done>();
  /** Every call that arrived, as it arrived. */
  readonly calls: Call[] = [];
  /** The actions that ran, replays left out. */
  readonly runs: string[] = [];
  revision = Date.now() * 1000;
  /** The name of the sequence of revisions: another process has another. */
  sequence = "first";
  /** Whether it says which of the actions took effect whose responses got lost. */
  tellsApplied = true;
  via: "meta" | "argument" | null = "meta";
  /** Changes the responses of the next calls on their way. */
  twist: ((result: Result) => Result) | null = null;
  /** The problem with which so many of the next calls are answered, without being run. */
  refusing: { calls: number; problem: { message: string } & Result } = { calls: 0, problem: { message: "" } };
  private readonly answered = new Map<string, Result>();

  handle({ name, arguments: given = {}, _meta }: Call): Result {
    this.calls.push(structuredClone({ name, arguments: given, ...(_meta && { _meta }) }));
    const { _intarsia, ...args } = given as { _intarsia?: { seen?: Seen; id?: string; unanswered?: string[] } };
    const byMeta = this.via === "meta" && _meta;
    const seen = (byMeta ? _meta["dev.intarsia/seen"] : _intarsia?.seen) as Seen | undefined;
    const id = (byMeta ? _meta["dev.intarsia/id"] : _intarsia?.id) as string | undefined;
    const asked = (byMeta ? _meta["dev.intarsia/unanswered"] : _intarsia?.unanswered) as string[] | undefined;
    const isRefused = this.refusing.calls > 0;
    if (isRefused) this.refusing.calls -= 1;
    const result = isRefused ? this.refuse() : this.answer(name, args, seen, id);
    const applied = this.tellsApplied && asked ? asked.filter((key) => this.answered.has(key)) : [];
    if (applied.length) (result._meta as Result)["dev.intarsia/applied"] = applied;
    if (this.via && (seen || id)) (result._meta as Result)["dev.intarsia/via"] = byMeta ? "meta" : "argument";
    const { twist } = this;
    return structuredClone(twist ? twist(result) : result);
  }

  private refuse(): Result {
    const { problem } = this.refusing;
    return { content: [{ type: "text", text: problem.message }], isError: true, _meta: { "dev.intarsia/problem": problem } };
  }

  private answer(name: string, args: Arguments, seen: Seen | undefined, id: string | undefined): Result {
    if (this.widgets.has(name)) return this.read(name, args, seen);
    if (name === "intarsia_draft") return { content: [{ type: "text", text: "Kept." }], _meta: {} };
    const before = id && this.answered.get(id);
    if (before) {
      const done = { ...((before._meta as Result)["dev.intarsia/done"] as object), replayed: true };
      return this.withParts({ ...before, _meta: { ...(before._meta as object), "dev.intarsia/done": done } }, seen);
    }
    const result = this.run(name, args);
    if (id && !result.isError) this.answered.set(id, structuredClone(result));
    return this.withParts(result, seen);
  }

  private run(name: string, args: Arguments): Result {
    try {
      const action = this.actions.get(name);
      if (!action) throw new Refusal("unknown_tool", `There is no tool named ${name}.`);
      const done = action(args);
      this.runs.push(name);
      return { content: [{ type: "text", text: done.message }], _meta: { "dev.intarsia/done": done } };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const problem = { kind: error.kind, message: error.message };
      return { content: [{ type: "text", text: error.message }], isError: true, _meta: { "dev.intarsia/problem": problem } };
    }
  }

  private withParts(result: Result, seen: Seen | undefined): Result {
    if (!seen) return result;
    const { _meta } = this.read(seen.tool, seen.arguments, seen);
    return { ...result, _meta: { ...(_meta as object), ...(result._meta as object) } };
  }

  /** Runs a widget tool: full, or the difference to what was seen. */
  read(tool: string, args: Arguments, seen?: Seen): Result {
    const render = this.widgets.get(tool);
    if (!render) throw new Error(`There is no widget tool named ${tool}.`);
    const rendering = render(args, seen?.tiles);
    this.revision += 1;
    const revision = `${this.revision}.${this.sequence}`;
    const known = seen?.tool === tool ? seen : undefined;
    const parts = { revision, tool, arguments: args, ...difference(rendering, known) };
    return {
      content: [{ type: "text", text: `# ${tool}\n\nA widget as text.\n\nView: \`${tool} ${JSON.stringify(args)}\`` }],
      structuredContent: { tool, arguments: args, revision },
      _meta: { "dev.intarsia/parts": parts },
    };
  }
}

function difference({ frame, parts = {}, lists = {} }: Rendering, seen: Seen | undefined): Record<string, unknown> {
  const seenItems = new Set(Object.values(seen?.lists ?? {}).flat());
  const changedParts = Object.entries(parts).filter(([id, html]) => seen?.parts[id] !== hashOf(html));
  const changedLists = Object.entries(lists).flatMap(([id, { prefix, items }]) => {
    const now = items.map(([key, html]) => hashOf(html) + key);
    if (seen && now.join() === seen.lists[id]?.join()) return [];
    const fresh = items.filter(([key, html]) => !seenItems.has(hashOf(html) + key));
    const order = items.map(([key]) => key);
    return [[id, { prefix, order, items: Object.fromEntries(fresh.map(([key, html]) => [key, piece(html)])) }]];
  });
  const isFrameSeen = seen?.frame === hashOf(frame);
  const gone = Object.keys({ ...seen?.parts, ...seen?.lists }).filter((id) => !(id in parts) && !(id in lists));
  return {
    ...(!isFrameSeen && { frame: piece(frame) }),
    parts: Object.fromEntries(changedParts.map(([id, html]) => [id, piece(html)])),
    lists: Object.fromEntries(changedLists),
    ...(!isFrameSeen && seen && { gone }),
  };
}
