/** Starts the View: registers every listener, then shakes hands with the host. */

import { listenToForms } from "./actions/form_events";
import { enableModelContext } from "./actions/model_context";
import { stopBehaviors, syncBehaviors } from "./behavior";
import { onHtmx } from "./dom/htmx";
import { reformat, startRelativeTimes } from "./dom/intl";
import { onRendered, root } from "./dom/root";
import { connect, notifyInitialized, onNotification, onTeardown } from "./host/bridge";
import { watchSize } from "./host/size";
import { applyContext, onContext } from "./host/theme";
import { enableToolCalls, listenToResults } from "./live/initial_result";
import { reportRendered, startPolling, stopPolling } from "./live/poller";
import { cancelAll } from "./requests/queue";
import { view } from "./view_api";

function close(): void {
  stopPolling();
  stopBehaviors();
  cancelAll();
}

async function start(): Promise<void> {
  listenToResults();
  listenToForms();
  onNotification("ui/notifications/host-context-changed", applyContext);
  onTeardown(close);
  onContext(() => reformat(root));
  onRendered((isNew) => syncBehaviors(root, view, isNew));
  onRendered((isNew) => isNew && reportRendered());

  const { hostCapabilities, hostContext } = await connect(document.title);
  enableToolCalls(hostCapabilities);
  enableModelContext(hostCapabilities);
  applyContext(hostContext);
  notifyInitialized();
  watchSize();
  startPolling();
  startRelativeTimes(root);
}

// Outside of a frame there is no host, and nothing to show.
if (window.parent !== window) onHtmx(() => void start().catch(() => undefined));
