/** Puts the host page together and offers it to tests as `window.intarsiaHost`. */

import type { CallToolResult, Tool } from "@modelcontextprotocol/client";
import { SignedOutError } from "./mcp/access";
import { Approvals } from "./approvals";
import type { BridgeKit } from "./mcp/bridge";
import { Connectors } from "./connectors/registry";
import { ConnectorsPanel } from "./connectors/panel";
import { CallTurn, textOf, userTurn, welcome } from "./views/conversation";
import { required } from "./dom";
import { Users } from "./users/users";
import { UsersPanel } from "./users/panel";
import { titleOf, viewUri } from "./mcp/connection";
import type { Services } from "./views/services";
import { SettingsStore, type Patch, type Settings } from "./settings/store";
import { showSettings } from "./settings/bar";
import { BUILT_IN, Source } from "./connectors/source";
import { callableTools, ToolList } from "./tools/list";
import { Traffic } from "./traffic/log";
import { TrafficPanel } from "./traffic/panel";
import { View } from "./views/view";
import { suspendOffScreen } from "./views/phone_lifecycle";

interface Config {
  mcp: string;
  sandbox: string;
  /** The address of the demo users, if the connector is served with some. */
  users: string | null;
  /** The address of the added connectors, if users can add some. */
  connectors: string | null;
}

/** A message that a View sent in the user's name, for tests. */
interface Said {
  view: number;
  text: string;
}

export class Host {
  readonly settings = new SettingsStore(new URLSearchParams(location.search));
  readonly traffic = new Traffic();
  readonly views: View[] = [];
  readonly said: Said[] = [];
  readonly links: string[] = [];
  readonly approvals = new Approvals(required("#approvals"));
  /** The connector that this host serves. */
  readonly #own = new Source(BUILT_IN, this, window.intarsiaToken ?? null);
  readonly access = this.#own.access;
  readonly calls = this.#own.calls;
  ready: Promise<void>;
  readonly #conversation = required("#conversation");
  readonly #chat = required("#chat");
  readonly #tools = new ToolList(required("#tool-list"));
  readonly #sourceOf = new WeakMap<View, Source>();
  /** Views whose tool may not be called at the moment. */
  readonly #stopped = new WeakSet<View>();
  #config: Config | null = null;
  #users: Users | null = null;
  #connectors: Connectors | null = null;
  #count = 0;

  constructor(private readonly kit: BridgeKit) {
    new TrafficPanel(required("#traffic"), required("#traffic-count"), this.traffic);
    showSettings(required("#settings"), this.settings, () => void this.recreate());
    wireTop(this.settings);
    this.settings.onChange((now, before) => this.#apply(now, before));
    showLook(this.settings.value);
    addEventListener("resize", () => this.#refreshContexts());
    this.ready = this.#start();
    this.ready.catch((error: unknown) => showTrouble(error));
  }

  /** Connects again with another token, or without one. Views stay open and use it from then on. */
  signIn(token: string | null): Promise<void> {
    this.access.use(token);
    this.ready = this.ready.catch(() => undefined).then(() => this.#start());
    return this.ready;
  }

  /** Changes settings and faults; resolves when Views have received them. */
  set(patch: Patch): Promise<void> {
    return this.settings.set(patch);
  }

  /** Calls a tool as a model does; resolves with the View's id when the View has its result, or null without a View. */
  async call(name: string, given: Record<string, unknown> = {}): Promise<number | null> {
    await this.ready;
    for (const source of this.#sources) {
      const tool = source.tools.find((one) => one.name === name);
      if (tool) return this.#run(source, tool, given);
    }
    throw new Error(`This connector has no tool named ${name}.`);
  }

  /** The View with an id, or the last one. */
  view(id?: number): View {
    const found = id === undefined ? this.views.at(-1) : this.views.find((view) => view.id === id);
    if (!found) throw new Error("There is no such View.");
    return found;
  }

  /** Ends a View's document and starts it again with its first result. */
  recreate(id?: number, how: { abrupt?: boolean } = {}): Promise<void> {
    return this.view(id).recreate(how);
  }

  /** Answers the oldest open question. */
  answer(allowed: boolean): void {
    this.approvals.answer(allowed);
  }

  /** Releases held calls. */
  release(count?: number): void {
    this.calls.release(count);
  }

  async #start(): Promise<void> {
    const answer = await fetch("/host/config.json");
    this.#config = (await answer.json()) as Config;
    if (this.#config.users && !this.#users) await this.#signIn(this.#config.users);
    await this.#connect();
    if (this.#config.connectors && !this.#connectors) await this.#startConnectors(this.#config.connectors);
    if (this.views.length) return;
    const { widgets, others } = callableTools(this.#own.offered);
    this.#conversation.replaceChildren(welcome(widgets.length ? widgets : others, (tool) => this.#pick(tool)));
  }

  async #startConnectors(address: string): Promise<void> {
    const connectors = (this.#connectors = new Connectors(address, this.#own, this));
    connectors.onChange(() => this.#follow());
    connectors.onSignedIn((source) => void this.#showAllAgain(source));
    connectors.onSignedOut((source, why) => void this.#end(source, why));
    new ConnectorsPanel(required("#connectors"), required("#show-connectors"), connectors, this.#own);
    await connectors.refresh();
  }

  /** Applies switches and blocks: tools that may not be called leave the list, and their widgets the screen. */
  #follow(): void {
    this.#offer();
    for (const source of this.#sources) {
      for (const view of this.#viewsOf(source)) {
        const why = source.rules.why(view.tool.name, titleOf(view.tool));
        if (why !== null && !this.#stopped.has(view)) void view.push(refused(why));
        if (why === null && this.#stopped.has(view) && source.isOpen) void this.#showAgain(source, view);
        if (why !== null) this.#stopped.add(view);
        else this.#stopped.delete(view);
      }
    }
  }

  get #sources(): Source[] {
    return this.#connectors?.sources ?? [this.#own];
  }

  /** Signs in as one of the demo users. */
  async #signIn(address: string): Promise<void> {
    const query = new URLSearchParams(location.search);
    this.#users = await Users.start(address, query, this.access, this.approvals);
    this.#users.onSignedOut(() => void this.#end(this.#own, new SignedOutError().message));
    new UsersPanel(required("#who"), this.#users, () => this.#continueAsUser());
  }

  /** Removes the widgets of a connector that the user is signed out of. */
  async #end(source: Source, why: string): Promise<void> {
    await Promise.all(this.#viewsOf(source).map((view) => view.push(refused(why))));
  }

  #viewsOf(source: Source): View[] {
    return this.views.filter((view) => view.state !== "closed" && this.#sourceOf.get(view) === source);
  }

  /** Continues as another user: lists the tools again, and reads every widget again. */
  async #continueAsUser(): Promise<void> {
    this.ready = this.#start();
    await this.ready;
    await this.#showAllAgain(this.#own);
  }

  async #showAllAgain(source: Source): Promise<void> {
    await Promise.all(this.#viewsOf(source).map((view) => this.#showAgain(source, view)));
  }

  async #showAgain(source: Source, view: View): Promise<void> {
    const params = { name: view.tool.name, arguments: view.given };
    const asking = source.access.make((signal) => source.connection.callTool(params, signal), { isRead: true, mayAsk: () => false });
    await view.push(await asking.catch((error: unknown) => refused(reasonOf(error))));
  }

  async #connect(): Promise<void> {
    const address = new URL(this.#config?.mcp ?? "/mcp", location.href);
    const { name, protocolVersion } = await this.#own.open(address);
    required("#connector").textContent = name;
    required("#protocol").textContent = protocolVersion;
    document.title = `${name} · Intarsia host`;
    this.#offer();
  }

  /** Lists what can be called in this conversation. */
  #offer(): void {
    const from = (source: Source) => (tool: Tool, given: Record<string, unknown>) => void this.#run(source, tool, given);
    const added = (this.#connectors?.added ?? []).map(({ info, source }) => ({ name: info.name, tools: source.offered, call: from(source) }));
    this.#tools.show(this.#own.offered, from(this.#own), added);
  }

  /** A tool without required arguments is called at once. */
  #pick(tool: Tool): void {
    if (!tool.inputSchema.required?.length) {
      void this.#run(this.#own, tool, {});
      return;
    }
    openPane("#tools", "#show-tools", true);
    this.#tools.open(tool);
  }

  async #run(source: Source, tool: Tool, given: Record<string, unknown>): Promise<number | null> {
    this.#conversation.querySelector(".welcome")?.remove();
    const turn = new CallTurn(tool, given);
    this.#show(turn.root);
    openPane("#tools", "#show-tools", false);
    const why = await source.rules.refusal(tool.name, titleOf(tool), JSON.stringify(given), this.approvals);
    if (why !== null) {
      turn.showFailure(why);
      return null;
    }
    const isRead = tool.annotations?.readOnlyHint === true;
    const called = source.access.make(
      (signal) => source.connection.callTool({ name: tool.name, arguments: given }, signal),
      { isRead, mayAsk: () => true },
    );
    const shown = called.then(
      (result) => turn.showResult(result),
      (error: unknown) => turn.showFailure(reasonOf(error)),
    );
    // The View starts while the tool runs. If it does not start, the text is shown all the same.
    const view = await this.#open(source, tool, given, turn, called).catch((error: unknown) => {
      turn.showWithoutWidget(reasonOf(error));
      return null;
    });
    await shown;
    turn.root.scrollIntoView({ block: "nearest" });
    return view;
  }

  async #open(source: Source, tool: Tool, given: Record<string, unknown>, turn: CallTurn, called: Promise<CallToolResult>) {
    const uri = viewUri(tool);
    if (uri === undefined) return null;
    const page = await source.connection.readView(this.settings.value.faults.view_uri ?? uri);
    const view = new View((this.#count += 1), tool, given, this.#services(source), turn, page);
    turn.root.dataset["view"] = String(view.id);
    turn.showWidget(page.ui.prefersBorder ?? true, () => this.#leaveFullscreen(view));
    this.views.push(view);
    this.#sourceOf.set(view, source);
    suspendOffScreen(this.#chat, turn.slot, view, this.settings);
    const told = called.then(
      (result) => view.finish({ result }),
      (error: unknown) => view.finish({ cancelled: reasonOf(error) }),
    );
    await Promise.all([view.start(), told]);
    if (this.settings.value.display === "fullscreen") view.show("fullscreen");
    return view.id;
  }

  #services(source: Source): Services {
    return {
      kit: this.kit,
      settings: this.settings,
      traffic: this.traffic,
      calls: source.calls,
      sandboxOrigin: this.#config?.sandbox ?? "",
      connection: () => source.connection,
      userTurn: async (viewId, content) => {
        this.said.push({ view: viewId, text: textOf(content) });
        this.#show(userTurn(content));
        return {};
      },
      openLink: (url) => this.#openLink(url),
    };
  }

  async #openLink(url: string): Promise<{ isError?: boolean }> {
    this.links.push(url);
    if (!/^https?:/i.test(url)) return { isError: true };
    const allowed = await this.approvals.ask("Open this link?", url, { yes: "Open", no: "Cancel" });
    if (allowed) open(url, "_blank", "noopener,noreferrer");
    return allowed ? {} : { isError: true };
  }

  #leaveFullscreen(view: View): void {
    if (this.settings.value.display === "fullscreen") void this.set({ display: "inline" });
    else view.show("inline");
  }

  #show(turn: HTMLElement): void {
    this.#conversation.append(turn);
    turn.scrollIntoView({ block: "nearest" });
  }

  async #apply(now: Settings, before: Settings): Promise<void> {
    showLook(now);
    if (now.era !== before.era) await this.#connectAgain();
    if (now.display !== before.display || now.phone !== before.phone) {
      this.views.at(-1)?.show(now.phone ? "inline" : now.display);
    }
    if (now.sandbox !== before.sandbox) {
      await Promise.all(this.views.filter((view) => view.state === "ready").map((view) => view.recreate()));
    }
    this.#refreshContexts();
  }

  async #connectAgain(): Promise<void> {
    await this.#connect();
    await this.#connectors?.openAgain();
  }

  #refreshContexts(): void {
    for (const view of this.views) view.refreshContext();
  }
}

declare global {
  interface Window {
    intarsiaHost: Host;
    /** The token that the page starts with; set by tests before the page runs. */
    intarsiaToken?: string;
  }
}

/** Starts the page with one version of the bridge. */
export function startHost(kit: BridgeKit): void {
  window.intarsiaHost = new Host(kit);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function refused(text: string): CallToolResult {
  return { isError: true, content: [{ type: "text", text }] };
}

function showTrouble(error: unknown): void {
  required("#connector").textContent = "Not connected";
  const reason = document.createElement("p");
  reason.className = "failure";
  reason.setAttribute("role", "alert");
  const isSignedOut = error instanceof SignedOutError;
  reason.textContent = isSignedOut ? error.message : `The connector did not respond: ${reasonOf(error)} Restart it, then reload this page.`;
  required("#conversation").replaceChildren(reason);
}

function showLook(settings: Settings): void {
  const root = document.documentElement;
  root.dataset["theme"] = settings.theme;
  root.dataset["width"] = settings.width;
  root.classList.toggle("is-phone", settings.phone);
  const theme = required("#toggle-theme");
  theme.setAttribute("aria-pressed", String(settings.theme === "dark"));
}

function wireTop(settings: SettingsStore): void {
  required("#toggle-theme").onclick = () => void settings.set({ theme: settings.value.theme === "dark" ? "light" : "dark" });
  required("#show-tools").onclick = () => openPane("#tools", "#show-tools");
  required("#show-settings").onclick = () => openPane("#settings", "#show-settings");
  required("#show-traffic").onclick = () => openPane("#traffic", "#show-traffic");
}

/** Opens or closes a pane. On wide screens the tools stay open. */
function openPane(pane: string, button: string, isOpen = required(button).getAttribute("aria-expanded") !== "true"): void {
  required(button).setAttribute("aria-expanded", String(isOpen));
  if (pane === "#tools") required(pane).classList.toggle("is-open", isOpen);
  else required(pane).hidden = !isOpen;
}
