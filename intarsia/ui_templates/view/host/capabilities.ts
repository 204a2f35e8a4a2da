/** What the host lets the View do, as it said in the handshake. What needs more is not offered. */

import type { HostCapabilities } from "./bridge";

let capabilities: HostCapabilities = {};

/** Notes what the host can do. Call it before anything is shown. */
export function setCapabilities(said: HostCapabilities): void {
  capabilities = said;
}

/** Whether the View may call tools: without it, no control that acts can work, and nothing can be read again. */
export function canCallTools(): boolean {
  return Boolean(capabilities.serverTools);
}

export function canOpenLinks(): boolean {
  return Boolean(capabilities.openLinks);
}

/** In which form the host takes updates of the model's context; null when it takes none that the View could send. */
export function contextForm(): "text" | "structured" | null {
  const { updateModelContext } = capabilities;
  if (!updateModelContext) return null;
  // Older hosts name no forms, and take text.
  if ("text" in updateModelContext || !Object.keys(updateModelContext).length) return "text";
  return "structuredContent" in updateModelContext ? "structured" : null;
}
