/** Sends a call again while the server is too busy for it: after the time that the server names, with the same key. */

import type { ToolResponse } from "../messages";

const MAX_RETRIES = 5;
const MIN_WAIT_MS = 100;
const MAX_WAIT_MS = 30_000;
/** How much longer than told to wait, at most: so that not every View comes at once. */
const MAX_SPREAD = 0.25;

/**
 * Sends a call, and again for as long as its response says when to (`retryAfterMs`), five times at most.
 *
 * @param send makes the call; it must carry the same idempotency key each time
 * @param signal aborting it ends the waiting
 * @param showWaiting shows that the call waits; what it returns is called when the waiting is over
 * @returns the last response
 * @throws DOMException an `AbortError`, and nothing else that `send` does not throw
 */
export async function sendUntilAccepted(
  send: () => Promise<ToolResponse>,
  signal?: AbortSignal,
  showWaiting?: () => () => void,
): Promise<ToolResponse> {
  let hideWaiting: (() => void) | undefined;
  try {
    let response = await send();
    for (let retries = 0; response.retryAfterMs !== null && retries < MAX_RETRIES; retries += 1) {
      hideWaiting ??= showWaiting?.();
      await wait(waitMs(response.retryAfterMs), signal);
      response = await send();
    }
    return response;
  } finally {
    hideWaiting?.();
  }
}

function waitMs(toldMs: number): number {
  return Math.min(Math.max(toldMs, MIN_WAIT_MS), MAX_WAIT_MS) * (1 + Math.random() * MAX_SPREAD);
}

function wait(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
  });
}
