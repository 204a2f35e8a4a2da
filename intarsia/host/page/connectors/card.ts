/** One connector in the pane: its state, its switch, and the rule for each of its tools. */

import type { Tool } from "@modelcontextprotocol/client";
import type { AddedConnector } from "./registry";
import { element } from "../dom";
import { isVisibleTo, titleOf } from "../mcp/connection";
import type { Source } from "./source";
import type { Rule } from "../tools/rules";

const STATES = { connected: "Connected", not_connected: "Not connected", needs_sign_in: "Sign in again" } as const;
const RULES: Record<Rule, string> = { always: "Always allow", ask: "Ask", blocked: "Blocked" };

/** What can be done with a connector. The host's own can be neither disconnected nor removed. */
export interface CardActions {
  readonly added?: AddedConnector;
  /** Reports that a rule or the switch was changed. */
  tell(): void;
  connect?(): Promise<boolean>;
  disconnect?(): Promise<boolean>;
  remove?(): Promise<boolean>;
}

export class ConnectorCard {
  readonly root = element("section", { class: "connector" });
  readonly #name = element("h3", {});
  readonly #state = element("p", { class: "connector-about" });
  readonly #granted = element("p", { class: "connector-about" });
  readonly #join = element("button", { class: "button primary", type: "button" }, "Connect");
  readonly #leave = element("button", { class: "button", type: "button" }, "Disconnect");
  readonly #remove = element("button", { class: "button", type: "button" }, "Remove");
  readonly #isOn = element("input", { type: "checkbox", role: "switch" });
  readonly #tools = element("details", { class: "connector-tools" });
  #shownTools = "";

  constructor(
    private readonly source: Source,
    private readonly actions: CardActions,
  ) {
    const switched = element("label", { class: "connector-switch" }, element("span", {}, "Use in this conversation"), this.#isOn);
    const buttons = element("div", { class: "connector-buttons" }, this.#join, this.#leave, this.#remove);
    this.root.append(this.#name, this.#state, this.#granted, ...(actions.added ? [buttons] : []), switched, this.#tools);
    this.#isOn.onchange = () => {
      source.rules.isOn = this.#isOn.checked;
      actions.tell();
    };
    this.#join.onclick = () => void this.#run(actions.connect, this.#leave);
    this.#leave.onclick = () => void this.#run(actions.disconnect, this.#join);
    this.#remove.onclick = () => void this.#run(actions.remove, null);
  }

  /** Focuses the next step: Connect. */
  focus(): void {
    this.#join.focus();
  }

  show(): void {
    const info = this.actions.added?.info;
    const name = info?.name ?? (this.source.isOpen ? this.source.connection.name : "");
    this.root.setAttribute("aria-label", name);
    this.#name.textContent = name;
    this.#state.textContent = info ? `${STATES[info.state]} · ${info.url}` : "Served by this host";
    this.#granted.textContent = info?.scopes.length ? `Granted: ${info.scopes.join(", ")}` : "";
    this.#join.hidden = info?.state === "connected";
    this.#leave.hidden = info?.state !== "connected";
    this.#isOn.checked = this.source.rules.isOn;
    this.#showTools();
  }

  async #run(work: (() => Promise<boolean>) | undefined, next: HTMLElement | null): Promise<void> {
    this.root.ariaBusy = "true";
    const isDone = await work?.();
    this.root.ariaBusy = "false";
    if (isDone && next && this.root.contains(document.activeElement ?? null)) next.focus();
  }

  /** Rebuilds the list only when the tools differ, so that the focus stays. */
  #showTools(): void {
    const { tools } = this.source;
    const names = JSON.stringify(tools.map(({ name }) => name));
    this.#tools.hidden = tools.length === 0;
    if (names !== this.#shownTools) {
      this.#shownTools = names;
      this.#tools.replaceChildren(element("summary", {}, `Tools (${tools.length})`), ...tools.map((tool) => this.#row(tool)));
    }
    for (const control of this.#tools.querySelectorAll("select")) control.value = this.source.rules.of(control.name);
  }

  #row(tool: Tool): HTMLElement {
    const choices = Object.entries(RULES).map(([value, text]) => element("option", { value }, text));
    const control = element("select", { name: tool.name }, ...choices);
    control.onchange = () => {
      this.source.rules.set(tool.name, control.value as Rule);
      this.actions.tell();
    };
    const forWidgets = !isVisibleTo(tool, "model") && element("small", {}, "widgets only");
    return element("label", { class: "tool-rule" }, element("span", {}, titleOf(tool), forWidgets), control);
  }
}
