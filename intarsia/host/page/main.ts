/** The host page on the current AppBridge. */

import { AppBridge, PostMessageTransport } from "@modelcontextprotocol/ext-apps/app-bridge";
import { HOST_INFO } from "./mcp/bridge";
import { startHost } from "./host";

startHost({
  version: "2.0.4",
  createBridge: (capabilities, hostContext) => new AppBridge(null, HOST_INFO, capabilities, { hostContext }),
  createTransport: (view) => new PostMessageTransport(view, view),
});
