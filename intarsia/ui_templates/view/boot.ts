/** Starts the View: registers every listener, then shakes hands with the host. */

import { listenToForms } from "./actions/form_events";
import { stopBehaviors, syncBehaviors } from "./behavior";
import { onHtmx } from "./dom/htmx";
import { reformat, startRelativeTimes } from "./dom/intl";
import { onRendered, root } from "./dom/root";
import { connect, notifyInitialized, onNotification, onTeardown } from "./host/bridge";
import { setCapabilities } from "./host/capabilities";
import { watchSize } from "./host/size";
import { applyContext, onContext } from "./host/theme";
import { listenToResults, noteWidget, startWaiting, stopWaiting } from "./live/initial_result";
import { reportRendered, startPolling, stopPolling } from "./live/poller";
import { cancelAll } from "./requests/queue";
import { showReadOnlyNote } from "./ui/read_only_note";
import { view } from "./view_api";

function close(): void {
  stopWaiting();
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
  onRendered(noteWidget);
  onRendered(showReadOnlyNote);
  onRendered((isNew) => syncBehaviors(root, view, isNew));
  onRendered((isNew) => isNew && reportRendered());

  const { hostCapabilities, hostContext } = await connect(document.title);
  setCapabilities(hostCapabilities);
  applyContext(hostContext);
  startWaiting();
  notifyInitialized();
  watchSize();
  startPolling();
  startRelativeTimes(root);
}

// Outside of a frame there is no host, and nothing to show.
if (window.parent !== window) onHtmx(() => void start().catch(() => undefined));
