/** JSON-RPC between this View and its host by `postMessage`: the handshake, requests, notifications. Knows no widgets. */

import type { McpUiHostCapabilities, McpUiHostContext } from "@modelcontextprotocol/ext-apps";

const PROTOCOL_VERSION = "2026-01-26";
const TIMEOUT_MS = 60_000;
const METHOD_NOT_FOUND = -32601;
const TIMED_OUT = -32001;

export type HostContext = McpUiHostContext;
export type HostCapabilities = McpUiHostCapabilities;

/** The host's side of the handshake. */
export interface Handshake {
  readonly hostCapabilities: HostCapabilities;
  readonly hostContext: HostContext;
}

/** The host responded with an error, or not at all. */
export class RequestError extends Error {
  constructor(
    message: string,
    readonly code: number,
  ) {
    super(message);
  }

  /** No response came back: the request may have taken effect. A refusal by the host or the user is a response. */
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

/** Sends a notification; without `params`, the field is left out. */
export function notify(method: string, params?: Params): void {
  post(params ? { method, params } : { method });
}

/** Handles one kind of notification. Register before `connect`: the host sends some of them once only. */
export function onNotification(method: string, handler: (params: Params) => void): void {
  notificationHandlers.set(method, handler);
}

/** Runs before the View responds to the host's request to close. */
export function onTeardown(handler: () => void): void {
  close = handler;
}

/**
 * Sends a request to the host.
 *
 * @param signal aborting it sends a cancellation to the host, and rejects with an `AbortError`
 * @throws RequestError when the host responds with an error, or not within 60 seconds
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

function respond({ id, method }: Params): void {
  const isClosing = method === "ui/resource-teardown";
  if (isClosing) close();
  if (isClosing || method === "ping") post({ id, result: {} });
  else post({ id, error: { code: METHOD_NOT_FOUND, message: "Method not found" } });
}

function receive({ source, data: message }: MessageEvent<unknown>): void {
  if (source !== host || !isParams(message) || message.jsonrpc !== "2.0") return;
  const { id, method, params } = message;
  if (method === undefined) pending.get(id)?.(message);
  else if (id !== undefined) respond(message);
  else notificationHandlers.get(method)?.(isParams(params) ? params : {});
}

/** Shakes hands with the host. Every listener must be registered by now. */
export async function connect(name: string): Promise<Handshake> {
  addEventListener("message", receive);
  const { hostCapabilities, hostContext } = await request("ui/initialize", {
    protocolVersion: PROTOCOL_VERSION,
    appInfo: { name, version: "1" },
    appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
  });
  return { hostCapabilities: hostCapabilities ?? {}, hostContext: hostContext ?? {} } as Handshake;
}

/** Tells the host that the View is ready; only now may the host send it anything. */
export function notifyInitialized(): void {
  notify("ui/notifications/initialized");
}
