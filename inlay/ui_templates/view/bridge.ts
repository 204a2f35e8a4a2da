/** JSON-RPC between this View and its host by `postMessage`: the handshake, requests, notifications, and nothing about widgets. */

import type { McpUiHostCapabilities, McpUiHostContext } from "@modelcontextprotocol/ext-apps";

const PROTOCOL_VERSION = "2026-01-26";
const TIMEOUT_MS = 60_000;
const METHOD_NOT_FOUND = -32601;
const TIMED_OUT = -32001;

export type HostContext = McpUiHostContext;
export type HostCapabilities = McpUiHostCapabilities;

/** What the host said in the handshake. */
export interface Welcome {
  readonly hostCapabilities: HostCapabilities;
  readonly hostContext: HostContext;
}

/** The host answered a request with an error, or not at all. */
export class RequestError extends Error {
  constructor(
    message: string,
    readonly code: number,
  ) {
    super(message);
  }

  /** No answer came back: what was asked for may have happened. A refusal by the host or the person is an answer. */
  get isLost(): boolean {
    const isTransport = /tim(ed?|e) ?out|network|fetch|connection|socket|offline|unreachable|unavailable/i;
    return this.code === TIMED_OUT || isTransport.test(this.message);
  }
}

interface Pending {
  resolve(result: Record<string, unknown>): void;
  reject(reason: unknown): void;
}

type Params = Record<string, unknown>;

const host = window.parent;
const pending = new Map<unknown, Pending>();
const notificationHandlers = new Map<unknown, (params: Params) => void>();
const requestHandlers = new Map<unknown, () => void>([["ping", () => undefined]]);
let lastId = 0;

function post(message: Record<string, unknown>): void {
  host.postMessage({ jsonrpc: "2.0", ...message }, "*");
}

/** Sends a notification. `params` is left out when there is nothing to say. */
export function notify(method: string, params?: Params): void {
  post(params ? { method, params } : { method });
}

/** Hears one kind of notification. Register before `connect`: the host sends some of them once only. */
export function onNotification(method: string, handler: (params: Params) => void): void {
  notificationHandlers.set(method, handler);
}

/** Runs before the host's request to close is answered. */
export function onTeardown(handler: () => void): void {
  requestHandlers.set("ui/resource-teardown", handler);
}

/**
 * Asks the host.
 *
 * @param signal aborting tells the host that the answer is no longer wanted, and rejects with an `AbortError`
 * @throws RequestError when the host answers with an error, or not within 60 seconds
 */
export function request(method: string, params: Params, signal?: AbortSignal): Promise<Record<string, unknown>> {
  const id = ++lastId;
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      pending.delete(id);
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    };
    const giveUp = (reason: string, error: unknown): void => {
      settle();
      notify("notifications/cancelled", { requestId: id, reason });
      reject(error);
    };
    const abort = (): void => giveUp("No longer needed", new DOMException("Aborted", "AbortError"));
    const timer = setTimeout(
      () => giveUp("Timed out", new RequestError("The host did not answer in time.", TIMED_OUT)),
      TIMEOUT_MS,
    );
    pending.set(id, {
      resolve: (result) => (settle(), resolve(result)),
      reject: (error) => (settle(), reject(error)),
    });
    post({ id, method, params });
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort);
  });
}

function isParams(value: unknown): value is Params {
  return typeof value === "object" && value !== null;
}

function settleResponse(message: Params): void {
  const waiting = pending.get(message.id);
  if (!waiting) return;
  const { error, result } = message;
  if (isParams(result)) return waiting.resolve(result);
  const { message: said, code } = isParams(error) ? error : {};
  waiting.reject(new RequestError(typeof said === "string" ? said : "The host refused.", Number(code)));
}

function answerRequest({ id, method }: Params): void {
  const handler = requestHandlers.get(method);
  handler?.();
  if (handler) post({ id, result: {} });
  else post({ id, error: { code: METHOD_NOT_FOUND, message: "Method not found" } });
}

function receive(event: MessageEvent<unknown>): void {
  const message = event.data;
  if (event.source !== host || !isParams(message) || message.jsonrpc !== "2.0") return;
  if (message.method === undefined) settleResponse(message);
  else if (message.id !== undefined) answerRequest(message);
  else notificationHandlers.get(message.method)?.(isParams(message.params) ? message.params : {});
}

/** Greets the host. Everything that listens must be registered by now. */
export async function connect(name: string): Promise<Welcome> {
  if (!requestHandlers.has("ui/resource-teardown")) onTeardown(() => undefined);
  addEventListener("message", receive);
  const welcome = await request("ui/initialize", {
    protocolVersion: PROTOCOL_VERSION,
    appInfo: { name, version: "1" },
    appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
  });
  const { hostCapabilities, hostContext } = welcome;
  return {
    hostCapabilities: isParams(hostCapabilities) ? (hostCapabilities as HostCapabilities) : {},
    hostContext: isParams(hostContext) ? (hostContext as HostContext) : {},
  };
}

/** Says that the View is ready; only now may the host send it anything. */
export function sayInitialized(): void {
  notify("ui/notifications/initialized");
}
