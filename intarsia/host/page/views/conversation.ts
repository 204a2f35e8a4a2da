/** The conversation: tool calls with their widgets or text, and the messages that Views send in the user's name. */

import type { CallToolResult, ContentBlock, Tool } from "@modelcontextprotocol/client";
import { element } from "../dom";
import { titleOf, viewUri } from "../mcp/connection";
import type { Display } from "../settings/store";
import type { ModelContext, View, ViewPlace } from "./view";

const PLACEHOLDER_PX = 96;
/** How many of a widget's first sizes the conversation follows: its skeleton's and its content's. */
const FOLLOWED_SIZES = 2;

/** One tool call in the conversation. */
export class CallTurn implements ViewPlace {
  readonly slot = element("div", { class: "slot" });
  readonly root: HTMLElement;
  readonly #status = element("span", { class: "call-status", role: "status" }, "Running");
  readonly #widget: HTMLElement;
  readonly #below = element("div", { class: "below" });
  readonly #known = element("p", { class: "known", hidden: true });
  readonly #close = element("button", { class: "button quiet", type: "button" }, "Close");
  #toFollow = 0;
  #isWidget: boolean;

  constructor(tool: Tool, given: Record<string, unknown>) {
    this.#isWidget = viewUri(tool) !== undefined;
    const bar = element("div", { class: "full-bar" }, element("strong", {}, titleOf(tool)), this.#close);
    this.#widget = element("div", { class: "widget", hidden: true }, bar, this.slot);
    this.root = element(
      "article",
      { class: "turn call", data: { tool: tool.name } },
      element("p", { class: "call-line" }, callText(tool, given), this.#status),
      this.#widget,
      this.#below,
      this.#known,
    );
  }

  /** Shows the place for a widget. */
  showWidget(hasBorder: boolean, close: () => void): void {
    this.#widget.hidden = false;
    this.#widget.classList.toggle("bordered", hasBorder);
    this.showHeight(null);
    this.#close.onclick = close;
  }

  /** Shows how the call ended, and the text that the model reads. */
  showResult(result: CallToolResult): void {
    this.#toFollow = FOLLOWED_SIZES;
    this.#status.textContent = result.isError ? "Refused" : "";
    this.#status.classList.toggle("is-error", result.isError ?? false);
    const text = textOf(result.content);
    const body = element("pre", { class: "model-text", tabIndex: 0 }, text || "(no text)");
    const folded = element("details", { class: "fold", open: !this.#isWidget }, element("summary", {}, "Text the model sees"), body);
    this.#below.append(folded);
  }

  /** Shows why the call failed. */
  showFailure(reason: string): void {
    this.#status.textContent = "Failed";
    this.#status.classList.add("is-error");
    this.#fail(reason);
  }

  /** Shows why there is no widget, and the text instead. */
  showWithoutWidget(reason: string): void {
    this.#isWidget = false;
    this.#widget.hidden = true;
    this.#fail(reason);
    const folded = this.#below.querySelector("details");
    if (folded) folded.open = true;
  }

  /** Shows a reason, once. */
  #fail(reason: string): void {
    const said = [...this.#below.querySelectorAll(".failure")].map((failure) => failure.textContent);
    if (!said.includes(reason)) this.#below.prepend(element("p", { class: "failure", role: "alert" }, reason));
  }

  get width(): number {
    return Math.round(this.slot.clientWidth);
  }

  get fullHeight(): number {
    return Math.round(this.slot.clientHeight);
  }

  showDisplay(display: Display): void {
    this.root.classList.toggle("is-full", display === "fullscreen");
    if (display === "fullscreen") this.#close.focus({ preventScroll: true });
  }

  showHeight(pixels: number | null): void {
    const isFull = this.root.classList.contains("is-full");
    this.slot.style.height = isFull ? "" : `${pixels ?? PLACEHOLDER_PX}px`;
    if (this.#toFollow > 0 && pixels !== null) this.#follow();
  }

  #follow(): void {
    this.#toFollow -= 1;
    const { top, bottom } = this.root.getBoundingClientRect();
    // The user may have scrolled away meanwhile: then the page does not scroll back.
    if (bottom > 0 && top < innerHeight) this.root.scrollIntoView({ block: "nearest" });
  }

  showState(state: View["state"]): void {
    this.#widget.dataset["state"] = state;
    if (state === "closed") this.#widget.hidden = true;
  }

  showModelContext(context: ModelContext): void {
    const text = textOf(context.content ?? []) || JSON.stringify(context.structuredContent ?? {});
    this.#known.hidden = text === "" || text === "{}";
    this.#known.replaceChildren(element("span", {}, "The model now knows: "), text);
  }
}

/** A message that a View sent in the user's name. */
export function userTurn(content: ContentBlock[]): HTMLElement {
  return element("article", { class: "turn user" }, element("p", {}, textOf(content)));
}

/** What the page shows before the first call. */
export function welcome(tools: Tool[], pick: (tool: Tool) => void): HTMLElement {
  const offers = tools.slice(0, 6).map((tool) => {
    const offer = element("button", { class: "offer", type: "button" }, element("strong", {}, titleOf(tool)));
    if (tool.description) offer.append(element("span", {}, firstSentence(tool.description)));
    offer.onclick = () => pick(tool);
    return offer;
  });
  return element(
    "div",
    { class: "welcome" },
    element("h2", {}, "What would you like to see?"),
    element("p", {}, "Call a tool, as a model would. Its widget appears here."),
    element("div", { class: "offers" }, ...offers),
  );
}

function callText(tool: Tool, given: Record<string, unknown>): HTMLElement {
  const shown = Object.entries(given).map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`);
  return element("span", { class: "call-text" }, element("strong", {}, tool.name), ...shown.map((text) => ` · ${text}`));
}

function firstSentence(text: string): string {
  const [line = ""] = text.split("\n");
  const end = line.indexOf(". ");
  return end < 0 ? line : line.slice(0, end + 1);
}

export function textOf(content: ContentBlock[]): string {
  return content.map((block) => (block.type === "text" ? block.text : `[${block.type}]`)).join("\n\n");
}
