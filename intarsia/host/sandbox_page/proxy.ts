/**
 * The sandbox proxy: holds the View's frame on an origin of its own and relays messages between it and the host.
 * The policy for the View is this document's own, as an HTTP header: the frame inside inherits it.
 */

const READY = "ui/notifications/sandbox-proxy-ready";
const RESOURCE = "ui/notifications/sandbox-resource-ready";
/** A message of this host: without it, browsers draw an opaque backdrop behind a frame in another color scheme. */
const COLOR_SCHEME = "ui/notifications/sandbox-color-scheme";
const OWN_PREFIX = "ui/notifications/sandbox-";

interface Resource {
  html: string;
  sandbox?: string;
  permissions?: Record<string, unknown>;
}

type Message = { jsonrpc?: string; method?: string; params?: unknown } | null | undefined;

function start(): void {
  if (!isIsolated()) throw new Error("This document must be framed by another origin.");
  // The server refuses every referrer except the host page.
  const hostOrigin = new URL(document.referrer).origin;
  let view: HTMLIFrameElement | null = null;
  addEventListener("message", (event: MessageEvent<Message>) => {
    if (event.source === window.parent && event.origin === hostOrigin) {
      if (event.data?.method === RESOURCE) view = show(event.data.params as Resource, view);
      else if (event.data?.method === COLOR_SCHEME) setColorScheme(event.data.params as { theme: string });
      else if (!isOwn(event.data)) view?.contentWindow?.postMessage(event.data, "*");
    } else if (view && event.source === view.contentWindow && !isOwn(event.data)) {
      window.parent.postMessage(event.data, hostOrigin);
    }
  });
  window.parent.postMessage({ jsonrpc: "2.0", method: READY, params: {} }, hostOrigin);
}

function setColorScheme({ theme }: { theme: string }): void {
  document.documentElement.style.colorScheme = theme;
}

function isOwn(message: Message): boolean {
  return typeof message?.method === "string" && message.method.startsWith(OWN_PREFIX);
}

/** Whether the page around this one is of another origin. */
function isIsolated(): boolean {
  if (window.self === window.top) return false;
  try {
    void window.top?.document.title;
    return false;
  } catch {
    return true;
  }
}

function show(resource: Resource, before: HTMLIFrameElement | null): HTMLIFrameElement {
  before?.remove();
  const flags = resource.sandbox ?? "allow-scripts allow-same-origin";
  const view = document.createElement("iframe");
  // Flags take effect when a frame navigates, so they are set before it is attached.
  view.setAttribute("sandbox", flags);
  view.allow = Object.keys(resource.permissions ?? {})
    .map((name) => (name === "clipboardWrite" ? "clipboard-write" : name))
    .join("; ");
  if (!flags.includes("allow-same-origin")) view.srcdoc = resource.html;
  document.body.append(view);
  if (flags.includes("allow-same-origin")) write(view, resource.html);
  return view;
}

function write(view: HTMLIFrameElement, html: string): void {
  const inner = view.contentDocument;
  if (!inner) throw new Error("The widget's frame has no document.");
  inner.open();
  inner.write(html);
  inner.close();
}

start();
