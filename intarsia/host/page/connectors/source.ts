/** A source of tools: the connector that the host serves, or one that a user added. */

import type { JSONRPCMessage, Tool } from "@modelcontextprotocol/client";
import { Access } from "../mcp/access";
import type { Approvals } from "../approvals";
import { Connection } from "../mcp/connection";
import type { SettingsStore } from "../settings/store";
import { ToolRules } from "../tools/rules";
import type { Traffic } from "../traffic/log";
import { ViewCalls } from "../tools/view_calls";

/** The id of the connector that the host serves. */
export const BUILT_IN = "built-in";

/** What every source of one page shares. */
export interface Shared {
  readonly settings: SettingsStore;
  readonly approvals: Approvals;
  readonly traffic: Traffic;
}

export class Source {
  readonly access: Access;
  readonly calls: ViewCalls;
  readonly rules = new ToolRules();
  #connection: Connection | null = null;

  constructor(
    readonly id: string,
    private readonly shared: Shared,
    token: string | null = null,
  ) {
    const { settings, approvals, traffic } = shared;
    this.access = new Access(token, (refusal) => traffic.add("server", "host", null, refusal as JSONRPCMessage));
    this.calls = new ViewCalls(settings, approvals, this.access, () => this.connection, this.rules);
  }

  get isOpen(): boolean {
    return this.#connection !== null;
  }

  get connection(): Connection {
    if (!this.#connection) throw new Error("The host is not connected to this connector.");
    return this.#connection;
  }

  /** All tools, including blocked ones. */
  get tools(): Tool[] {
    return this.#connection?.tools ?? [];
  }

  /** The tools that can be called in this conversation. */
  get offered(): Tool[] {
    return this.tools.filter((tool) => this.rules.offers(tool));
  }

  /** Connects, and closes the connection before. */
  async open(address: URL): Promise<Connection> {
    const before = this.#connection;
    this.#connection = await Connection.open(address, this.shared.settings.value.era, this.shared.traffic, this.access);
    await before?.close();
    return this.#connection;
  }

  async close(): Promise<void> {
    const before = this.#connection;
    this.#connection = null;
    await before?.close();
  }
}
