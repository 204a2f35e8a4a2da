/** The rules for one connector's tools in this conversation: the user's own, and those of an owner. */

import type { Tool } from "@modelcontextprotocol/client";
import type { Approvals } from "../approvals";
import { ALLOW } from "../approvals";

export type Rule = "always" | "ask" | "blocked";

export class ToolRules {
  /** Whether the connector is used in this conversation. */
  isOn = true;
  /** Tools that an owner blocked for every user. */
  blockedForAll: ReadonlySet<string> = new Set();
  readonly #rules = new Map<string, Rule>();

  of(tool: string): Rule {
    return this.#rules.get(tool) ?? "always";
  }

  set(tool: string, rule: Rule): void {
    this.#rules.set(tool, rule);
  }

  /** Whether a tool is on the list of what can be called. */
  offers(tool: Tool): boolean {
    return this.why(tool.name, tool.name) === null;
  }

  /** Why a tool is not called, or null when it may be. */
  why(tool: string, title: string): string | null {
    if (this.blockedForAll.has(tool)) return `“${title}” is blocked for everyone by an owner of this organization.`;
    if (!this.isOn) return "This connector is turned off in this conversation.";
    return this.of(tool) === "blocked" ? `You blocked “${title}” in the connector's tools.` : null;
  }

  /** Why a call is not made, after asking the user if that is the rule; null when it may be made. */
  async refusal(tool: string, title: string, given: string, approvals: Approvals, signal?: AbortSignal): Promise<string | null> {
    const why = this.why(tool, title);
    if (why !== null || this.of(tool) !== "ask") return why;
    const isAllowed = await approvals.ask(`Allow “${title}”?`, given, { ...ALLOW, signal });
    return isAllowed ? null : "The user declined this call.";
  }
}
