/** On a phone a View ends when it scrolls away, and starts again when it comes back. */

import type { SettingsStore } from "../settings/store";
import type { View } from "./view";

/** Watches one View's slot for as long as the page lives. */
export function suspendOffScreen(scroller: HTMLElement, slot: HTMLElement, view: View, settings: SettingsStore): void {
  // One change at a time: a View that is still starting is not ended halfway.
  let turn = Promise.resolve();
  const observer = new IntersectionObserver(
    (entries) => {
      const isSeen = entries.at(-1)?.isIntersecting ?? true;
      turn = turn.then(() => follow(view, isSeen, settings));
    },
    { root: scroller },
  );
  observer.observe(slot);
}

async function follow(view: View, isSeen: boolean, settings: SettingsStore): Promise<void> {
  if (!isSeen && settings.value.phone && view.state === "ready") await view.suspend(true);
  if (isSeen && view.state === "away") await view.start();
}
