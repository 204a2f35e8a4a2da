/** The pane of connectors: add one, sign in to it, set rules for its tools, and block tools for every user. */

import { ConnectorCard } from "./card";
import type { AddedConnector, Connectors, NewConnector } from "./registry";
import { element } from "../dom";
import { titleOf, viewUri } from "../mcp/connection";
import type { Source } from "./source";

export class ConnectorsPanel {
  readonly #said = element("p", { class: "connectors-said", role: "status" });
  readonly #close = element("button", { class: "button quiet", type: "button" }, "Close");
  readonly #list = element("div", { class: "connector-list" });
  readonly #organization = element("div", { class: "organization-tools" });
  readonly #own: ConnectorCard;
  readonly #cards = new Map<AddedConnector, ConnectorCard>();
  #shownTools = "";

  constructor(
    private readonly pane: HTMLElement,
    private readonly button: HTMLElement,
    private readonly connectors: Connectors,
    own: Source,
  ) {
    this.#own = new ConnectorCard(own, { tell: () => connectors.tell() });
    pane.append(
      element("div", { class: "connectors-head" }, element("h2", {}, "Connectors"), this.#close),
      this.#said,
      this.#list,
      this.#form(),
      element(
        "section",
        { class: "organization", ariaLabel: "Organization" },
        element("h3", {}, "Organization"),
        element("p", { class: "connector-about" }, "Tools that an owner blocks can't be used by anyone, not even in open widgets."),
        this.#organization,
      ),
    );
    button.hidden = false;
    button.onclick = () => this.#open(pane.hidden === true);
    this.#close.onclick = () => this.#open(false);
    pane.addEventListener("keydown", ({ key }) => {
      if (key === "Escape") this.#open(false);
    });
    connectors.onChange(() => this.#show());
    this.#show();
  }

  #open(isOpen: boolean): void {
    this.pane.hidden = !isOpen;
    this.button.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) void this.connectors.check();
    (isOpen ? this.#close : this.button).focus();
  }

  #show(): void {
    for (const [added, card] of this.#cards) {
      if (this.connectors.added.includes(added)) continue;
      card.root.remove();
      this.#cards.delete(added);
    }
    if (!this.#own.root.isConnected) this.#list.append(this.#own.root);
    for (const added of this.connectors.added) {
      if (!this.#cards.has(added)) this.#list.append(this.#create(added).root);
    }
    for (const card of [this.#own, ...this.#cards.values()]) card.show();
    this.#showOrganization();
  }

  #create(added: AddedConnector): ConnectorCard {
    const card = new ConnectorCard(added.source, {
      added,
      tell: () => this.connectors.tell(),
      connect: () => this.#do(() => this.connectors.connect(added), () => `${added.info.name} is connected.`),
      disconnect: () => this.#do(() => this.connectors.disconnect(added), (isTakenBack) => ended("Disconnected", added, isTakenBack)),
      remove: async () => {
        const isRemoved = await this.#do(() => this.connectors.remove(added), (isTakenBack) => ended("Removed", added, isTakenBack));
        if (isRemoved) this.#close.focus();
        return isRemoved;
      },
    });
    this.#cards.set(added, card);
    return card;
  }

  /** Runs a task, and shows its result. */
  async #do<Result>(work: () => Promise<Result>, done: (result: Result) => string): Promise<boolean> {
    this.#say("", false);
    try {
      this.#say(done(await work()), false);
      return true;
    } catch (error) {
      this.#say(error instanceof Error ? error.message : String(error), true);
      return false;
    }
  }

  #say(text: string, isError: boolean): void {
    this.#said.textContent = text;
    this.#said.classList.toggle("is-error", isError);
  }

  #form(): HTMLElement {
    const name = element("input", { id: "connector-name", name: "name", type: "text", maxLength: 80, autocomplete: "off" });
    const url = element("input", { id: "connector-url", name: "url", type: "url", required: true, maxLength: 2048, autocomplete: "off", placeholder: "https://example.com/mcp" });
    const clientId = element("input", { id: "connector-client-id", name: "client_id", type: "text", autocomplete: "off" });
    const secret = element("input", { id: "connector-client-secret", name: "client_secret", type: "password", autocomplete: "off" });
    const advanced = element("details", { class: "connector-advanced" }, element("summary", {}, "Advanced"));
    advanced.append(
      element("p", { class: "connector-about" }, "Only needed if the connector's operator gave them to you."),
      labelled("Client ID", clientId),
      labelled("Client secret", secret),
    );
    const form = element("form", { class: "connector-form" });
    form.append(labelled("Name", name), labelled("Address", url), advanced, element("button", { class: "button primary", type: "submit" }, "Add"));
    const folded = element("details", { class: "connector-add" }, element("summary", {}, "Add custom connector"), form);
    form.onsubmit = (event) => {
      event.preventDefault();
      const given: NewConnector = { name: name.value, url: url.value, client_id: clientId.value, client_secret: secret.value };
      void this.#add(given, () => {
        form.reset();
        folded.open = advanced.open = false;
      });
    };
    return folded;
  }

  async #add(given: NewConnector, clear: () => void): Promise<void> {
    let added: AddedConnector | null = null;
    const work = async () => (added = await this.connectors.add(given));
    if (!(await this.#do(work, ({ info }) => `Added ${info.name}. Connect it to use it.`))) return;
    clear();
    if (added) this.#cards.get(added)?.focus();
  }

  /** The widget tools of every connector; rebuilt only when they differ, so that the focus stays. */
  #showOrganization(): void {
    const groups = this.connectors.sources.map((source) => ({ source, tools: source.tools.filter((tool) => viewUri(tool) !== undefined) }));
    const tools = JSON.stringify(groups.map(({ source, tools }) => [source.id, tools.map(({ name }) => name)]));
    if (tools !== this.#shownTools) {
      this.#shownTools = tools;
      const rows = groups.flatMap(({ source, tools: widgets }) => widgets.map((tool) => this.#blockRow(source, tool.name, titleOf(tool))));
      this.#organization.replaceChildren(...rows);
    }
    for (const box of this.#organization.querySelectorAll<HTMLInputElement>("input")) {
      const source = this.connectors.sources.find(({ id }) => id === box.dataset["connector"]);
      box.checked = source?.rules.blockedForAll.has(box.name) ?? false;
    }
  }

  #blockRow(source: Source, tool: string, title: string): HTMLElement {
    const box = element("input", { type: "checkbox", name: tool, data: { connector: source.id } });
    box.onchange = () => {
      const done = `${title} is ${box.checked ? "blocked for everyone" : "no longer blocked for everyone"}.`;
      void this.#do(() => this.connectors.block(source, tool, box.checked), () => done).then(() => this.#showOrganization());
    };
    const from = this.connectors.added.find((added) => added.source === source)?.info.name;
    return element("label", { class: "block-row" }, box, element("span", {}, `Block ${title}`, from !== undefined && element("small", {}, from)));
  }
}

function ended(what: string, { info }: AddedConnector, isTakenBack: boolean): string {
  const also = isTakenBack ? "" : " The access could not be revoked at its sign-in service: revoke it there, too.";
  return `${what} ${info.name}.${also}`;
}

function labelled(text: string, control: HTMLInputElement): HTMLElement {
  return element("div", { class: "field" }, element("label", { htmlFor: control.id }, text), control);
}
