/** One widget in the conversation: its frame, its bridge, and its lifecycle. */

import type { CallToolResult, Tool } from "@modelcontextprotocol/client";
import type { McpUiUpdateModelContextRequest } from "@modelcontextprotocol/ext-apps/app-bridge";
import { signalOf, type Bridge } from "../mcp/bridge";
import { hostCapabilities, hostContext } from "./host_context";
import type { ViewDocument } from "../mcp/connection";
import type { Services } from "./services";
import type { Display } from "../settings/store";
import { tap } from "../traffic/log";
import type { ViewCall } from "../tools/view_calls";

export type ModelContext = McpUiUpdateModelContextRequest["params"];
type Size = { width?: number | undefined; height?: number | undefined };
type Outcome = { result: CallToolResult } | { cancelled: string };

/** What shows the View: the conversation implements it. */
export interface ViewPlace {
  readonly slot: HTMLElement;
  readonly width: number;
  readonly fullHeight: number;
  showDisplay(display: Display): void;
  showHeight(pixels: number | null): void;
  showState(state: View["state"]): void;
  showModelContext(context: ModelContext): void;
}

/** Shrinking by so little is an echo of the host's own resizing. */
const ECHO_PX = 4;
const TEARDOWN_MS = 500;
const START_MS = 30_000;
const SANDBOX_FLAGS = {
  spec: "allow-scripts allow-same-origin",
  opaque: "allow-scripts",
  loose: "allow-scripts allow-same-origin allow-forms",
} as const;

export class View {
  readonly calls: ViewCall[] = [];
  readonly sizes: Size[] = [];
  readonly errors: string[] = [];
  modelContext: ModelContext | null = null;
  display: Display = "inline";
  state: "starting" | "ready" | "away" | "closed" = "starting";
  /** How often its document was started. */
  starts = 0;
  #bridge: Bridge | null = null;
  #frame: HTMLIFrameElement | null = null;
  #height = 0;
  #outcome: Outcome | null = null;
  #outcomeSent = false;

  constructor(
    readonly id: number,
    readonly tool: Tool,
    readonly given: Record<string, unknown>,
    private readonly services: Services,
    private readonly place: ViewPlace,
    private readonly document: ViewDocument,
  ) {}

  /** Creates the frame and shakes hands; resolves when the View is initialized and has its input. */
  async start(): Promise<void> {
    this.#setState("starting");
    this.starts += 1;
    this.#outcomeSent = false;
    const frame = this.#createFrame();
    const bridge = (this.#bridge = this.services.kit.createBridge(hostCapabilities(this.services.settings.value.faults), this.#context()));
    this.#listen(bridge);
    const ready = new Promise<void>((resolve) => bridge.addEventListener("sandboxready", () => resolve()));
    const initialized = new Promise<void>((resolve) => bridge.addEventListener("initialized", () => resolve()));
    this.place.slot.append(frame);
    if (!frame.contentWindow) throw new Error("The widget's frame has no window.");
    const transport = this.services.kit.createTransport(frame.contentWindow);
    await bridge.connect(tap(transport, (message, way) => this.#note(message, way)));
    await ready;
    this.#sendColorScheme();
    await bridge.sendSandboxResourceReady(this.#resource());
    await within(START_MS, initialized);
    if (this.#bridge !== bridge) return;
    this.#setState("ready");
    const { push_nothing, no_arguments } = this.services.settings.value.faults;
    if (push_nothing) return;
    await bridge.sendToolInput(no_arguments ? {} : { arguments: this.given });
    await this.#sendOutcome();
  }

  /** Sends the outcome of the tool call to the View, now or as soon as it is ready. */
  async finish(outcome: Outcome): Promise<void> {
    this.#outcome = outcome;
    await this.#sendOutcome();
  }

  /** Pushes another result, like a host that runs the tool again. */
  async push(result: CallToolResult): Promise<void> {
    this.#outcomeSent = false;
    await this.finish({ result });
  }

  /** Whether the View has received the outcome. */
  get isTold(): boolean {
    return this.#outcomeSent;
  }

  /** Ends the document; `abrupt` without a teardown request, as phones do. */
  async suspend(abrupt = false): Promise<void> {
    const [bridge, frame] = [this.#bridge, this.#frame];
    this.#bridge = null;
    this.#frame = null;
    this.#setState("away");
    // A View that never responds must not keep the host from closing it.
    if (bridge && !abrupt) await bridge.teardownResource({}, { timeout: TEARDOWN_MS }).catch(() => undefined);
    frame?.remove();
    await bridge?.close();
  }

  /** Ends the document and starts it again, with the first result. */
  async recreate({ abrupt = false } = {}): Promise<void> {
    await this.suspend(abrupt);
    await this.start();
  }

  async close(): Promise<void> {
    await this.suspend();
    this.#setState("closed");
  }

  /** Shows the View inline or in fullscreen, where possible; returns the mode that applies. */
  show(display: Display): Display {
    const modes = this.#bridge?.getAppCapabilities()?.availableDisplayModes;
    const isPossible = !this.services.settings.value.phone && (!modes || modes.includes(display));
    if (display === "fullscreen" && !isPossible) return this.display;
    this.display = display;
    this.place.showDisplay(display);
    this.place.showHeight(display === "inline" ? this.#height || null : null);
    this.refreshContext();
    return this.display;
  }

  /** Sends what changed in the host context. */
  refreshContext(): void {
    this.#sendColorScheme();
    if (this.state === "ready") this.#bridge?.setHostContext(this.#context());
    if (this.display === "inline" && this.#height) this.#fit(this.#height);
  }

  #context() {
    const { width, fullHeight } = this.place;
    const place = { tool: this.tool, callId: this.id, display: this.display, width, height: fullHeight };
    return hostContext(this.services.settings.value, place);
  }

  /** Browsers draw an opaque backdrop behind a frame whose color scheme differs from the page's. */
  #sendColorScheme(): void {
    const { theme } = this.services.settings.value;
    const message = { jsonrpc: "2.0", method: "ui/notifications/sandbox-color-scheme", params: { theme } };
    this.#frame?.contentWindow?.postMessage(message, this.services.sandboxOrigin);
  }

  #createFrame(): HTMLIFrameElement {
    const { sandbox } = this.services.settings.value;
    const address = new URL("/sandbox.html", this.services.sandboxOrigin);
    address.searchParams.set("flavor", sandbox);
    if (this.document.ui.csp) address.searchParams.set("csp", JSON.stringify(this.document.ui.csp));
    const frame = (this.#frame = document.createElement("iframe"));
    frame.name = `view-${this.id}`;
    frame.title = this.tool.title ?? this.tool.name;
    frame.allow = Object.keys(this.document.ui.permissions ?? {}).map(featureName).join("; ");
    // The proxy itself must keep its origin, whatever the View inside may have.
    frame.setAttribute("sandbox", SANDBOX_FLAGS[sandbox === "loose" ? "loose" : "spec"]);
    frame.src = address.href;
    return frame;
  }

  #resource() {
    const { csp, permissions } = this.document.ui;
    const sandbox = SANDBOX_FLAGS[this.services.settings.value.sandbox];
    return { html: this.document.html, sandbox, ...(csp && { csp }), ...(permissions && { permissions }) };
  }

  #listen(bridge: Bridge): void {
    bridge.onerror = (error) => void this.errors.push(String(error));
    bridge.oncalltool = (params, extra) => {
      const call: ViewCall = {
        name: params.name,
        arguments: params.arguments ?? {},
        meta: { ...params._meta },
        state: "waiting",
        sent: false,
        error: null,
      };
      this.calls.push(call);
      const answer = this.services.calls.make(params, call, this.tool, this.#cancelledByView(bridge, signalOf(extra)));
      void answer.then(() => this.#leaveAfter(call), () => undefined);
      return answer;
    };
    bridge.onreadresource = ({ uri }) => this.services.connection().readResource(uri);
    bridge.onmessage = ({ content }) => this.services.userTurn(this.id, content);
    bridge.onopenlink = ({ url }) => this.services.openLink(url);
    bridge.onupdatemodelcontext = async (context) => {
      this.modelContext = context;
      this.place.showModelContext(context);
      return {};
    };
    bridge.onrequestdisplaymode = async ({ mode }) => ({ mode: mode === "pip" ? this.display : this.show(mode) });
    bridge.addEventListener("sizechange", (size) => this.#resize(size));
    bridge.addEventListener("requestteardown", () => void this.close());
  }

  /** Ends the document after a change, as phones do when the user leaves, and restarts it with the first result. */
  async #leaveAfter({ name }: ViewCall): Promise<void> {
    const { recreate_ms } = this.services.settings.value.faults;
    const isChange = this.services.connection().tool(name)?.annotations?.readOnlyHint !== true;
    if (!recreate_ms || !isChange || !this.#bridge) return;
    await delay(0); // the response is sent first
    await this.suspend(true);
    this.#setState("starting"); // it restarts by itself
    await delay(recreate_ms);
    if (this.state === "starting" && !this.#bridge) await this.start();
  }

  /** A call continues when its View is gone: only the View itself may cancel it. */
  #cancelledByView(bridge: Bridge, asked: AbortSignal | undefined): AbortSignal {
    const controller = new AbortController();
    asked?.addEventListener("abort", () => {
      if (this.#bridge === bridge) controller.abort(asked.reason);
    });
    return controller.signal;
  }

  #resize(size: Size): void {
    this.sizes.push(size);
    // In fullscreen the host decides the size, so a report says nothing about the height inline.
    if (size.height === undefined || this.display !== "inline" || this.services.settings.value.faults.ignore_size) return;
    const shrinksBy = this.#height - size.height;
    if (shrinksBy > 0 && shrinksBy <= ECHO_PX) return;
    this.#height = size.height;
    this.#fit(size.height);
  }

  #fit(height: number): void {
    const { max_height } = this.services.settings.value;
    this.place.showHeight(max_height > 0 ? Math.min(height, max_height) : height);
  }

  async #sendOutcome(): Promise<void> {
    if (!this.#outcome || this.#outcomeSent || this.state !== "ready" || !this.#bridge) return;
    this.#outcomeSent = true;
    if ("cancelled" in this.#outcome) await this.#bridge.sendToolCancelled({ reason: this.#outcome.cancelled });
    else await this.#bridge.sendToolResult(this.#stripped(this.#outcome.result));
  }

  #stripped(result: CallToolResult): CallToolResult {
    const { strip_result_meta: stripped } = this.services.settings.value.faults;
    const fields = stripped === true ? ["_meta", "structuredContent"] : stripped || [];
    const kept = { ...result };
    for (const field of fields) delete kept[field];
    return kept;
  }

  #note(message: Parameters<Services["traffic"]["add"]>[3], way: "sent" | "received"): void {
    if (way === "received") this.services.traffic.add("view", "host", this.id, message);
    else this.services.traffic.add("host", "view", this.id, message);
  }

  #setState(state: View["state"]): void {
    this.state = state;
    this.place.showState(state);
  }
}

/** Waits until a View is initialized, with a time limit: without it, the text is shown instead. */
async function within(milliseconds: number, initialized: Promise<void>): Promise<void> {
  let timer = 0;
  const tooLong = new Promise<never>((_, reject) => {
    timer = window.setTimeout(() => reject(new Error("The widget did not start.")), milliseconds);
  });
  await Promise.race([initialized, tooLong]).finally(() => clearTimeout(timer));
}

function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function featureName(permission: string): string {
  return permission === "clipboardWrite" ? "clipboard-write" : permission;
}
