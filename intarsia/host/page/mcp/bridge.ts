/** What the page needs from ext-apps' AppBridge, so that tests can use another version of it. */

import type { Transport } from "@modelcontextprotocol/client";
import type { AppBridge, McpUiHostCapabilities, McpUiHostContext } from "@modelcontextprotocol/ext-apps/app-bridge";

export type Bridge = Pick<
  AppBridge,
  | "addEventListener"
  | "close"
  | "connect"
  | "getAppCapabilities"
  | "oncalltool"
  | "onerror"
  | "onlistresources"
  | "onmessage"
  | "onopenlink"
  | "onreadresource"
  | "onrequestdisplaymode"
  | "onupdatemodelcontext"
  | "sendSandboxResourceReady"
  | "sendToolCancelled"
  | "sendToolInput"
  | "sendToolResult"
  | "setHostContext"
  | "teardownResource"
>;

export interface BridgeKit {
  /** The version of ext-apps, for the page to show. */
  version: string;
  createBridge(capabilities: McpUiHostCapabilities, context: McpUiHostContext): Bridge;
  createTransport(view: Window): Transport;
}

export const HOST_INFO = { name: "intarsia-host", version: "0.1.0", title: "Intarsia host" };

/** The abort signal of a View's request: the two versions keep it in different places. */
export function signalOf(extra: unknown): AbortSignal | undefined {
  const known = extra as { mcpReq?: { signal?: AbortSignal }; signal?: AbortSignal } | undefined;
  return known?.mcpReq?.signal ?? known?.signal;
}
