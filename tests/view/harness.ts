/** A host page with the official AppBridge and a fake server, for the tests of the View. Tests drive `window.lab`. */

import { AppBridge, PostMessageTransport } from "@modelcontextprotocol/ext-apps/app-bridge";

import { type Call, FakeServer } from "./server";
import { addBoard, addTiles, newBoard } from "./widgets";

interface Opening {
  tool?: string;
  args?: Record<string, unknown>;
  /** The `sandbox` attribute of the View's frame. */
  sandbox?: string;
  csp?: string;
  context?: Record<string, unknown>;
  capabilities?: Record<string, unknown>;
  /** How much of a result the host pushes; `none` pushes nothing. */
  push?: "whole" | "stripped" | "text" | "none";
  sendsArguments?: boolean;
  dropsRequestMeta?: boolean;
  appliesSize?: boolean;
}

const SPEC_CSP =
  "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
  "media-src 'self' data:; object-src 'none'; connect-src 'none'";

/** A promise that `release` resolves. */
class Gate {
  private open: () => void = () => undefined;
  readonly passed = new Promise<void>((resolve) => (this.open = resolve));
  release(): void {
    this.open();
  }
}

class Lab {
  server = new FakeServer();
  board = newBoard();
  counts: Record<string, number> = {};
  bridge: AppBridge | null = null;
  frame: HTMLIFrameElement | null = null;
  messages: unknown[] = [];
  errors: string[] = [];
  aborted: string[] = [];
  links: string[] = [];
  contexts: string[] = [];
  heights: number[] = [];
  /** The updates of the model's context that were not text. */
  structures: unknown[] = [];
  /** How many of the next responses get lost after the server has handled the call. */
  loses = 0;
  /** The host's own refusal of the next call. */
  refusal: string | null = null;
  private gate: Gate | null = null;

  /** Keeps every call from the server until `resume`. */
  pause(): void {
    this.gate = new Gate();
  }

  resume(): void {
    this.gate?.release();
    this.gate = null;
  }

  async open(view: string, opening: Opening): Promise<void> {
    this.close();
    const { tool = "board", args = { project: "p" }, sandbox = "allow-scripts allow-same-origin" } = opening;
    const frame = document.createElement("iframe");
    frame.style.cssText = "width: 700px; height: 500px; border: 0";
    this.frame = frame;
    const ready = this.hear("ui/notifications/sandbox-proxy-ready");
    frame.src = `https://sandbox.test/?csp=${encodeURIComponent(opening.csp ?? SPEC_CSP)}`;
    document.body.append(frame);
    await ready;
    const bridge = this.makeBridge(opening, tool);
    const initialized = this.hear("ui/notifications/initialized");
    const peer = frame.contentWindow as Window;
    await bridge.connect(new PostMessageTransport(peer, peer));
    await bridge.sendSandboxResourceReady({ html: view, sandbox });
    await initialized;
    if (opening.push === "none") return;
    await bridge.sendToolInput(opening.sendsArguments === false ? {} : { arguments: args });
    await this.push(tool, args, opening.push);
  }

  async push(tool: string, args: Record<string, unknown>, push: Opening["push"] = "whole"): Promise<void> {
    const { content, ...rest } = this.server.read(tool, args) as { content: [] };
    const withoutText = push === "text" ? [{ type: "text" as const, text: `# ${tool}\n\n<b>Only</b> words.` }] : content;
    await this.bridge?.sendToolResult({ content: withoutText, ...(push === "whole" && rest) });
  }

  close(): void {
    this.frame?.remove();
    void this.bridge?.close();
    this.resume();
    Object.assign(this, { bridge: null, messages: [], errors: [], aborted: [], links: [], contexts: [], structures: [], heights: [] });
    Object.assign(this, { loses: 0, refusal: null });
  }

  reset(): void {
    this.close();
    Object.assign(this, { server: new FakeServer(), board: newBoard(), counts: {} });
    addBoard(this.server, this.board);
    addTiles(this.server, this.counts);
  }

  /** Resolves when the View has responded, and so has handled every message before. */
  async ping(): Promise<void> {
    const id = `lab-${Math.random()}`;
    const answered = new Promise<void>((resolve) => {
      addEventListener("message", (event: MessageEvent<{ id?: unknown }>) => event.data?.id === id && resolve());
    });
    this.say({ jsonrpc: "2.0", id, method: "ping" });
    await answered;
  }

  /** Sends anything to the View as if the host had sent it. */
  say(message: unknown): void {
    this.frame?.contentWindow?.postMessage(message, "*");
  }

  private makeBridge({ context, capabilities, dropsRequestMeta, appliesSize }: Opening, tool: string): AppBridge {
    const everything = { serverTools: {}, openLinks: {}, updateModelContext: { text: {} } };
    const bridge = new AppBridge(null, { name: "lab", version: "1" }, (capabilities ?? everything) as never, {
      hostContext: {
        theme: "light",
        locale: "en-GB",
        displayMode: "inline",
        availableDisplayModes: ["inline", "fullscreen"],
        containerDimensions: { maxHeight: 2000, width: 700 },
        toolInfo: { tool: { name: tool, inputSchema: { type: "object" }, _meta: { "dev.intarsia/widget": "task_board" } } },
        ...context,
      } as never,
    });
    this.bridge = bridge;
    bridge.onerror = (error) => {
      const isOwn = String(error).includes('"id":"lab-');
      if (!isOwn) this.errors.push(String(error)); // the bridge reports responses to requests of the lab
    };
    bridge.oncalltool = async (params, extra) => {
      const { signal } = "mcpReq" in extra ? (extra.mcpReq as { signal: AbortSignal }) : (extra as { signal: AbortSignal });
      signal.addEventListener("abort", () => this.aborted.push(params.name));
      const { _meta, ...bare } = params as unknown as Call;
      return (await this.call(dropsRequestMeta ? bare : { ...bare, ...(_meta && { _meta }) })) as never;
    };
    bridge.onopenlink = async ({ url }) => (this.links.push(url), {});
    bridge.onupdatemodelcontext = async ({ content, structuredContent }) => {
      if (content) this.contexts.push(String((content[0] as { text: string }).text));
      else this.structures.push(structuredContent);
      return {};
    };
    bridge.onrequestdisplaymode = async ({ mode }) => ({ mode });
    bridge.onsizechange = ({ height }) => {
      this.heights.push(height ?? 0);
      if (appliesSize && this.frame) this.frame.style.height = `${height}px`;
    };
    return bridge;
  }

  private async call(call: Call): Promise<unknown> {
    if (this.refusal) {
      const said = this.refusal;
      this.refusal = null;
      throw new Error(said);
    }
    await this.gate?.passed;
    const result = this.server.handle(call);
    if (this.loses > 0) {
      this.loses -= 1;
      throw new Error("fetch failed");
    }
    return result;
  }

  private hear(method: string): Promise<void> {
    return new Promise((resolve) => {
      addEventListener("message", (event: MessageEvent<{ method?: string }>) => {
        if (event.source === this.frame?.contentWindow && event.data?.method === method) resolve();
      });
    });
  }
}

const lab = new Lab();
addEventListener("message", (event: MessageEvent<unknown>) => {
  if (event.source === lab.frame?.contentWindow) lab.messages.push(event.data);
});
Object.assign(window, { lab });
