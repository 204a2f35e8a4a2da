/** What a View needs from the page. */

import type { ContentBlock } from "@modelcontextprotocol/client";
import type { BridgeKit } from "./bridge";
import type { Connection } from "./server";
import type { SettingsStore } from "./settings";
import type { Traffic } from "./traffic";
import type { View } from "./view";
import type { ViewCalls } from "./view_calls";

export interface Services {
  readonly kit: BridgeKit;
  readonly settings: SettingsStore;
  readonly traffic: Traffic;
  readonly calls: ViewCalls;
  readonly sandboxOrigin: string;
  connection(): Connection;
  /** A message that a View sends in the person's name. */
  userTurn(view: View, content: ContentBlock[]): Promise<{ isError?: boolean }>;
  openLink(url: string): Promise<{ isError?: boolean }>;
}
