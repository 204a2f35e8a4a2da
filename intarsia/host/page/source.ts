/** Where tools come from: the connector that the host serves itself, or one that somebody added. */

import type { JSONRPCMessage, Tool } from "@modelcontextprotocol/client";
import { Access } from "./access";
import type { Approvals } from "./approvals";
import { Connection } from "./server";
import type { SettingsStore } from "./settings";
import { ToolRules } from "./tool_rules";
import type { Traffic } from "./traffic";
import { ViewCalls } from "./view_calls";

/** What the connector is called that the host itself serves. */
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

  /** Every tool, of which some may be blocked. */
  get tools(): Tool[] {
    return this.#connection?.tools ?? [];
  }

  /** What can be called in this conversation. */
  get offered(): Tool[] {
    return this.tools.filter((tool) => this.rules.offers(tool));
  }

  /** Connects, and lets go of the connection before. */
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
