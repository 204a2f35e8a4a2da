/** What a View needs from the page. */

import type { ContentBlock } from "@modelcontextprotocol/client";
import type { BridgeKit } from "../mcp/bridge";
import type { Connection } from "../mcp/connection";
import type { SettingsStore } from "../settings/store";
import type { Traffic } from "../traffic/log";
import type { ViewCalls } from "../tools/view_calls";

export interface Services {
  readonly kit: BridgeKit;
  readonly settings: SettingsStore;
  readonly traffic: Traffic;
  readonly calls: ViewCalls;
  readonly sandboxOrigin: string;
  connection(): Connection;
  /** Shows a message that a View sends in the user's name. */
  userTurn(viewId: number, content: ContentBlock[]): Promise<{ isError?: boolean }>;
  openLink(url: string): Promise<{ isError?: boolean }>;
}
