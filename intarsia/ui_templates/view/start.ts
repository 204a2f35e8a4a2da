/** Starts the View: everything that listens first, then the handshake. */

import { stopBehaviors, tendBehaviors } from "./behavior";
import { connect, onNotification, onTeardown, sayInitialized } from "./bridge";
import { allowModelContext } from "./context";
import { onEngine } from "./engine";
import { keepRelativeTimesTrue, reformat } from "./formats";
import { listenToForms } from "./forms";
import { abandonAll } from "./lane";
import { noteShown, startLive, stopLive } from "./live";
import { allowPull, listenToResults } from "./pull";
import { watchSize } from "./size";
import { onShown, place } from "./stage";
import { applyContext, onContext } from "./theme";
import { view } from "./view";

function close(): void {
  stopLive();
  stopBehaviors();
  abandonAll();
}

async function start(): Promise<void> {
  listenToResults();
  listenToForms();
  onNotification("ui/notifications/host-context-changed", applyContext);
  onTeardown(close);
  onContext(() => reformat(place));
  onShown((isNew) => tendBehaviors(place, view, isNew));
  onShown((isNew) => isNew && noteShown());

  const { hostCapabilities, hostContext } = await connect(document.title);
  allowPull(hostCapabilities);
  allowModelContext(hostCapabilities);
  applyContext(hostContext);
  sayInitialized();
  watchSize();
  startLive();
  keepRelativeTimesTrue(place);
}

// Without a host there is nobody to talk to, and nothing to show.
if (window.parent !== window) onEngine(() => void start().catch(() => undefined));
