/** The host page on the AppBridge before this one: for tests alone, never in the wheel. */

import { AppBridge, PostMessageTransport } from "ext-apps-1/app-bridge";
import { HOST_INFO, type Bridge } from "../../intarsia/host/page/mcp/bridge";
import { startHost } from "../../intarsia/host/page/host";

startHost({
  version: "1.7.5",
  // Both versions speak the same wire format; their TypeScript types come from different SDKs.
  createBridge: (capabilities, hostContext) =>
    new AppBridge(null, HOST_INFO, capabilities, { hostContext } as object) as unknown as Bridge,
  createTransport: (view) => new PostMessageTransport(view, view) as unknown as ReturnType<
    Parameters<typeof startHost>[0]["createTransport"]
  >,
});
