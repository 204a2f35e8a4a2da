/** Passes a View's tool calls on to the server, with the host's policy and whatever faults are switched on. */

import type { CallToolRequest, CallToolResult, Tool } from "@modelcontextprotocol/client";
import { REFUSED, type Access } from "../mcp/access";
import { ALLOW, type Approvals } from "../approvals";
import { isVisibleTo, titleOf, type Connection } from "../mcp/connection";
import type { Faults, SettingsStore } from "../settings/store";
import type { ToolRules } from "./rules";

type Params = CallToolRequest["params"];

/** One call of a View, as tests read it. */
export interface ViewCall {
  name: string;
  arguments: Record<string, unknown>;
  meta: Record<string, unknown>;
  /** `waiting` until the View has its response. */
  state: "waiting" | "answered" | "failed" | "lost" | "cancelled";
  /** Whether it reached the server. */
  sent: boolean;
  error: string | null;
}

class RefusedError extends Error {
  readonly code = REFUSED;
}

export class ViewCalls {
  readonly #held: (() => void)[] = [];
  #queue: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly settings: SettingsStore,
    private readonly approvals: Approvals,
    private readonly access: Access,
    private readonly connection: () => Connection,
    private readonly rules: ToolRules,
  ) {}

  /** How many calls or responses are held. */
  get held(): number {
    return this.#held.length;
  }

  /** Releases held calls, the oldest first. */
  release(count = this.#held.length): void {
    for (const release of this.#held.splice(0, count)) release();
  }

  /** Makes one call for a View. */
  async make(params: Params, call: ViewCall, from: Tool, signal: AbortSignal | undefined): Promise<CallToolResult> {
    try {
      const result = await this.#inTurn(() => this.#pass(params, call, from, signal));
      call.state = "answered";
      return result;
    } catch (error) {
      call.error = error instanceof Error ? error.message : String(error);
      if (call.state === "waiting") call.state = signal?.aborted ? "cancelled" : "failed";
      throw error;
    }
  }

  #faults(name: string): Faults | null {
    const { faults } = this.settings.value;
    return faults.only === null || faults.only.includes(name) ? faults : null;
  }

  #inTurn<Result>(make: () => Promise<Result>): Promise<Result> {
    if (!this.settings.value.faults.serialize) return make();
    const turn = this.#queue.then(make, make);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  async #pass(params: Params, call: ViewCall, from: Tool, signal: AbortSignal | undefined): Promise<CallToolResult> {
    const faults = this.#faults(params.name);
    const refusal = await this.#refusal(params, faults, from, signal);
    if (refusal) return refusal;
    if (faults?.slow_ms) await new Promise((resolve) => setTimeout(resolve, faults.slow_ms));
    if (faults?.hold === "request") await this.#hold();
    call.sent = true;
    const isRead = this.connection().tool(params.name)?.annotations?.readOnlyHint === true;
    const result = await this.access.make(
      (current) => this.connection().callTool(forServer(params, faults), current),
      { signal, isRead, mayAsk: hasJustActed },
    );
    if (this.#faults(params.name)?.hold === "answer") await this.#hold();
    return this.#afterLoss(result, call);
  }

  /** What a correct host refuses, then what the faults refuse. */
  async #refusal(params: Params, faults: Faults | null, from: Tool, signal: AbortSignal | undefined): Promise<CallToolResult | null> {
    const isBlocked = this.rules.why(from.name, titleOf(from));
    if (isBlocked !== null) throw new RefusedError(isBlocked);
    const tool = this.connection().tool(params.name);
    if (tool && !isVisibleTo(tool, "app")) throw new RefusedError(`Widgets can't call ${params.name}.`);
    if (faults?.refuse_calls === "error") throw new RefusedError("The host refused this call.");
    if (faults?.refuse_calls === "result") {
      return { isError: true, content: [{ type: "text", text: "The host refused this call." }] };
    }
    const title = tool ? titleOf(tool) : params.name;
    const why = await this.rules.refusal(params.name, title, argumentsText(params), this.approvals, signal);
    if (why !== null) throw new RefusedError(why);
    const isChange = tool?.annotations?.readOnlyHint !== true;
    if (faults?.ask === true || (faults?.ask === "changes" && isChange)) {
      const question = `Allow “${title}”?`;
      const allowed = await this.approvals.ask(question, argumentsText(params), { ...ALLOW, signal });
      if (!allowed) throw new RefusedError("The user declined this call.");
    }
    return null;
  }

  #hold(): Promise<void> {
    return new Promise((resolve) => this.#held.push(resolve));
  }

  #afterLoss(result: CallToolResult, call: ViewCall): CallToolResult | Promise<never> {
    const lost = this.#faults(call.name)?.lose_answers;
    if (!lost) return result;
    call.state = "lost";
    if (lost === "never") return new Promise<never>(() => undefined);
    throw new Error("The connection to the connector was lost.");
  }
}

/** Only after an action of the user may a widget's call ask for access: a poll must not. */
function hasJustActed(): boolean {
  return navigator.userActivation?.isActive ?? true;
}

/** Removes a View's progress token, which could collide with the host's own; progress is not passed on. */
function forServer(params: Params, faults: Faults | null): Params {
  const { _meta, ...rest } = params;
  const { progressToken: _token, ...meta } = _meta ?? {};
  return faults?.strip_request_meta || Object.keys(meta).length === 0 ? rest : { ...rest, _meta: meta };
}

function argumentsText(params: Params): string {
  const { _intarsia: _own, ...shown } = params.arguments ?? {};
  return Object.entries(shown).map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join(", ");
}
