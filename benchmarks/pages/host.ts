/** A host page with the official AppBridge and no server: it is given the responses beforehand. */

import { AppBridge, PostMessageTransport } from "@modelcontextprotocol/ext-apps/app-bridge";

type Json = Record<string, unknown>;

interface Opening {
  /** The View's document. */
  html: string;
  sandbox: string;
  /** The result that the host pushes; without it, the document gets no host. */
  result?: Json;
  tool?: Json;
}

const now = (): number => performance.timeOrigin + performance.now();

class Bench {
  /** The responses by the tool's name: each call takes the first, and the last stays. */
  answers: Record<string, Json[]> = {};
  calls = 0;
  errors: string[] = [];
  private bridge: AppBridge | null = null;
  private frame: HTMLIFrameElement | null = null;

  constructor(private readonly sandboxAddress: string) {}

  /** Shows a View; resolves with the milliseconds from its frame's creation to the first picture with the board. */
  async open({ html, sandbox, result, tool }: Opening): Promise<number> {
    this.close();
    const painted = this.hear(({ painted }) => (typeof painted === "number" ? painted : null));
    const ready = this.hearMethod("ui/notifications/sandbox-proxy-ready");
    const started = now();
    const frame = document.createElement("iframe");
    this.frame = frame;
    frame.src = this.sandboxAddress;
    document.body.append(frame);
    await ready;
    if (!result) this.post("ui/notifications/sandbox-resource-ready", { html, sandbox });
    else await this.connect(html, sandbox, result, tool ?? {});
    return (await painted) - started;
  }

  close(): void {
    this.frame?.remove();
    void this.bridge?.close();
    [this.frame, this.bridge, this.errors] = [null, null, []];
  }

  private async connect(html: string, sandbox: string, result: Json, tool: Json): Promise<void> {
    const bridge = new AppBridge(null, { name: "bench", version: "1" }, { serverTools: {}, updateModelContext: { text: {} } }, {
      hostContext: {
        theme: "light",
        locale: "en-GB",
        timeZone: "Europe/London",
        displayMode: "inline",
        availableDisplayModes: ["inline", "fullscreen"],
        containerDimensions: { maxHeight: 500, width: 760 },
        toolInfo: { tool: { name: "stored_board", inputSchema: { type: "object" }, ...tool } },
      },
    } as never);
    this.bridge = bridge;
    bridge.onerror = (error) => void this.errors.push(String(error));
    bridge.oncalltool = async ({ name }) => this.answer(name) as never;
    bridge.onupdatemodelcontext = async () => ({});
    bridge.addEventListener("sizechange", ({ height }) => {
      if (height && this.frame) this.frame.style.height = `${Math.min(height, 500)}px`;
    });
    const initialized = new Promise<void>((resolve) => bridge.addEventListener("initialized", () => resolve()));
    const peer = this.frame?.contentWindow as Window;
    await bridge.connect(new PostMessageTransport(peer, peer));
    await bridge.sendSandboxResourceReady({ html, sandbox });
    await initialized;
    await bridge.sendToolInput({ arguments: {} });
    await bridge.sendToolResult(result as never);
  }

  private answer(name: string): Json {
    this.calls += 1;
    const answers = this.answers[name] ?? [];
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (!answer) throw new Error(`There is no response for ${name}.`);
    return answer;
  }

  private post(method: string, params: Json): void {
    this.frame?.contentWindow?.postMessage({ jsonrpc: "2.0", method, params }, "*");
  }

  private hearMethod(wanted: string): Promise<true> {
    return this.hear(({ method }) => (method === wanted ? true : null));
  }

  private hear<Found>(read: (message: Json) => Found | null): Promise<Found> {
    return new Promise((resolve) => {
      const listen = ({ data }: MessageEvent<Json | null>): void => {
        const found = data && read(data);
        if (found === null) return;
        removeEventListener("message", listen);
        resolve(found);
      };
      addEventListener("message", listen);
    });
  }
}

Object.assign(window, { bench: new Bench(document.body.dataset.sandbox ?? "") });
