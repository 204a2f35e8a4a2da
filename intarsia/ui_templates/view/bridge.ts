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

type Params = Record<string, unknown>;

const host = window.parent;
const pending = new Map<unknown, (response: Params) => void>();
const notificationHandlers = new Map<unknown, (params: Params) => void>();
let lastId = 0;
let close = (): void => undefined;

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
  close = handler;
}

/**
 * Asks the host.
 *
 * @param signal aborting tells the host that the answer is no longer wanted, and rejects with an `AbortError`
 * @throws RequestError when the host answers with an error, or not within 60 seconds
 */
export function request(method: string, params: Params, signal?: AbortSignal): Promise<Params> {
  const requestId = ++lastId;
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      pending.delete(requestId);
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    };
    const giveUp = (error: unknown): void => {
      settle();
      notify("notifications/cancelled", { requestId });
      reject(error);
    };
    const abort = (): void => giveUp(signal?.reason);
    const timer = setTimeout(() => giveUp(new RequestError("", TIMED_OUT)), TIMEOUT_MS);
    pending.set(requestId, ({ result, error }) => {
      settle();
      if (isParams(result)) resolve(result);
      else reject(errorOf(error));
    });
    post({ id: requestId, method, params });
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort);
  });
}

function isParams(value: unknown): value is Params {
  return typeof value === "object" && value !== null;
}

function errorOf(error: unknown): RequestError {
  const { message, code } = isParams(error) ? error : {};
  return new RequestError(typeof message === "string" ? message : "", Number(code));
}

function answer({ id, method }: Params): void {
  const isClosing = method === "ui/resource-teardown";
  if (isClosing) close();
  if (isClosing || method === "ping") post({ id, result: {} });
  else post({ id, error: { code: METHOD_NOT_FOUND, message: "Method not found" } });
}

function receive({ source, data: message }: MessageEvent<unknown>): void {
  if (source !== host || !isParams(message) || message.jsonrpc !== "2.0") return;
  const { id, method, params } = message;
  if (method === undefined) pending.get(id)?.(message);
  else if (id !== undefined) answer(message);
  else notificationHandlers.get(method)?.(isParams(params) ? params : {});
}

/** Greets the host. Everything that listens must be registered by now. */
export async function connect(name: string): Promise<Welcome> {
  addEventListener("message", receive);
  const { hostCapabilities, hostContext } = await request("ui/initialize", {
    protocolVersion: PROTOCOL_VERSION,
    appInfo: { name, version: "1" },
    appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
  });
  return { hostCapabilities: hostCapabilities ?? {}, hostContext: hostContext ?? {} } as Welcome;
}

/** Says that the View is ready; only now may the host send it anything. */
export function sayInitialized(): void {
  notify("ui/notifications/initialized");
}
