/** Puts the host page together and offers it to tests as `window.inlayHost`. */

import type { CallToolResult, JSONRPCMessage, Tool } from "@modelcontextprotocol/client";
import { Access, SignedOutError } from "./access";
import { Approvals } from "./approvals";
import type { BridgeKit } from "./bridge";
import { CallTurn, textOf, userTurn, welcome } from "./conversation";
import { required } from "./dom";
import { Persons } from "./persons";
import { PersonsPanel } from "./persons_panel";
import { Connection, viewUri } from "./server";
import type { Services } from "./services";
import { SettingsStore, type Patch, type Settings } from "./settings";
import { showSettings } from "./settings_bar";
import { callableTools, ToolList } from "./tool_list";
import { Traffic } from "./traffic";
import { TrafficPanel } from "./traffic_panel";
import { View } from "./view";
import { ViewCalls } from "./view_calls";
import { watchScroll } from "./scrolling";

interface Config {
  mcp: string;
  sandbox: string;
  /** Where people sign in who are made up, if the connector is served with some. */
  persons: string | null;
}

/** What a View said in the person's name, as tests read it. */
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
  readonly access = new Access(window.inlayToken ?? null, (refusal) => this.traffic.add("server", "host", null, refusal as JSONRPCMessage));
  readonly calls = new ViewCalls(this.settings, this.approvals, this.access, () => this.#current());
  ready: Promise<void>;
  readonly #conversation = required("#conversation");
  readonly #chat = required("#chat");
  readonly #tools = new ToolList(required("#tools"));
  #connection: Connection | null = null;
  #config: Config | null = null;
  #persons: Persons | null = null;
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

  /** Connects again as somebody else, or as nobody; Views stay open and go on as them. */
  signIn(token: string | null): Promise<void> {
    this.access.use(token);
    this.ready = this.ready.catch(() => undefined).then(() => this.#start());
    return this.ready;
  }

  /** Changes settings and faults; resolves when Views have been told. */
  set(patch: Patch): Promise<void> {
    return this.settings.set(patch);
  }

  /** Calls a tool as a model does; resolves with the View's id when the View has its result, or null without a View. */
  async call(name: string, given: Record<string, unknown> = {}): Promise<number | null> {
    await this.ready;
    const tool = this.#current().tool(name);
    if (!tool) throw new Error(`The connector lists no tool ${name}.`);
    return this.#run(tool, given);
  }

  /** The View with an id, or the last one. */
  view(id?: number): View {
    const found = id === undefined ? this.views.at(-1) : this.views.find((view) => view.id === id);
    if (!found) throw new Error("There is no such View.");
    return found;
  }

  /** Ends a View's document and starts it anew with its first result. */
  recreate(id?: number, how: { abrupt?: boolean } = {}): Promise<void> {
    return this.view(id).recreate(how);
  }

  /** Answers the oldest question that the page asks. */
  answer(allowed: boolean): void {
    this.approvals.answer(allowed);
  }

  /** Lets held calls go on. */
  release(count?: number): void {
    this.calls.release(count);
  }

  async #start(): Promise<void> {
    const answer = await fetch("/host/config.json");
    this.#config = (await answer.json()) as Config;
    if (this.#config.persons && !this.#persons) await this.#signIn(this.#config.persons);
    await this.#connect();
    if (this.views.length) return;
    const { widgets, others } = callableTools(this.#current().tools);
    this.#conversation.replaceChildren(welcome(widgets.length ? widgets : others, (tool) => this.#pick(tool)));
  }

  /** Signs in as one of the people that the connector is served with. */
  async #signIn(address: string): Promise<void> {
    const query = new URLSearchParams(location.search);
    this.#persons = await Persons.start(address, query, this.access, this.approvals);
    this.#persons.onSignedOut(() => void this.#end());
    new PersonsPanel(required("#who"), this.#persons, () => this.#goOn());
  }

  /** Nobody is signed in: what was for them is no longer on the screen. */
  async #end(): Promise<void> {
    await Promise.all(this.views.filter((view) => view.state !== "closed").map((view) => view.push(refused(new SignedOutError().message))));
  }

  /** Goes on as another person: what may be called changes, and every widget is theirs. */
  async #goOn(): Promise<void> {
    this.ready = this.#start();
    await this.ready;
    await Promise.all(this.views.filter((view) => view.state !== "closed").map((view) => this.#showAgain(view)));
  }

  async #showAgain(view: View): Promise<void> {
    const params = { name: view.tool.name, arguments: view.given };
    const asking = this.access.make((signal) => this.#current().callTool(params, signal), { isRead: true, mayAsk: () => false });
    await view.push(await asking.catch((error: unknown) => refused(reasonOf(error))));
  }

  async #connect(): Promise<void> {
    const address = new URL(this.#config?.mcp ?? "/mcp", location.href);
    const before = this.#connection;
    this.#connection = await Connection.open(address, this.settings.value.era, this.traffic, this.access);
    await before?.close();
    const { name, protocolVersion, tools } = this.#connection;
    required("#connector").textContent = name;
    required("#protocol").textContent = protocolVersion;
    document.title = `${name} · Inlay host`;
    this.#tools.show(tools, (tool, given) => void this.#run(tool, given));
  }

  #current(): Connection {
    if (!this.#connection) throw new Error("The host is not connected yet.");
    return this.#connection;
  }

  /** A tool without arguments to ask for is called at once. */
  #pick(tool: Tool): void {
    if (!tool.inputSchema.required?.length) {
      void this.#run(tool, {});
      return;
    }
    openPane("#tools", "#show-tools", true);
    this.#tools.open(tool);
  }

  async #run(tool: Tool, given: Record<string, unknown>): Promise<number | null> {
    this.#conversation.querySelector(".welcome")?.remove();
    const turn = new CallTurn(tool, given);
    this.#show(turn.root);
    openPane("#tools", "#show-tools", false);
    const isRead = tool.annotations?.readOnlyHint === true;
    const called = this.access.make(
      (signal) => this.#current().callTool({ name: tool.name, arguments: given }, signal),
      { isRead, mayAsk: () => true },
    );
    const shown = called.then(
      (result) => turn.showResult(result),
      (error: unknown) => turn.showFailure(reasonOf(error)),
    );
    // The View starts while the tool runs; if it does not start, the text is there all the same.
    const view = await this.#open(tool, given, turn, called).catch((error: unknown) => {
      turn.showWithoutWidget(reasonOf(error));
      return null;
    });
    await shown;
    turn.root.scrollIntoView({ block: "nearest" });
    return view;
  }

  async #open(tool: Tool, given: Record<string, unknown>, turn: CallTurn, called: Promise<CallToolResult>) {
    const uri = viewUri(tool);
    if (uri === undefined) return null;
    const page = await this.#current().readView(this.settings.value.faults.view_uri ?? uri);
    const view = new View((this.#count += 1), tool, given, this.#services(), turn, page);
    turn.root.dataset["view"] = String(view.id);
    turn.showWidget(page.ui.prefersBorder ?? true, () => this.#leaveFullscreen(view));
    this.views.push(view);
    watchScroll(this.#chat, turn.slot, view, this.settings);
    const told = called.then(
      (result) => view.finish({ result }),
      (error: unknown) => view.finish({ cancelled: reasonOf(error) }),
    );
    await Promise.all([view.start(), told]);
    if (this.settings.value.display === "fullscreen") view.show("fullscreen");
    return view.id;
  }

  #services(): Services {
    return {
      kit: this.kit,
      settings: this.settings,
      traffic: this.traffic,
      calls: this.calls,
      sandboxOrigin: this.#config?.sandbox ?? "",
      connection: () => this.#current(),
      userTurn: async (view, content) => {
        this.said.push({ view: view.id, text: textOf(content) });
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
    if (now.era !== before.era) await this.#connect();
    if (now.display !== before.display || now.phone !== before.phone) {
      this.views.at(-1)?.show(now.phone ? "inline" : now.display);
    }
    if (now.sandbox !== before.sandbox) {
      await Promise.all(this.views.filter((view) => view.state === "ready").map((view) => view.recreate()));
    }
    this.#refreshContexts();
  }

  #refreshContexts(): void {
    for (const view of this.views) view.refreshContext();
  }
}

declare global {
  interface Window {
    inlayHost: Host;
    /** Whose token the page starts with; a test lays it here before the page runs. */
    inlayToken?: string;
  }
}

/** Starts the page with one version of the bridge. */
export function startHost(kit: BridgeKit): void {
  window.inlayHost = new Host(kit);
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
  reason.textContent = isSignedOut ? error.message : `The connector did not answer: ${reasonOf(error)} Start it again and reload this page.`;
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

/** Opens or closes a pane; the tools stay open wherever there is room for them. */
function openPane(pane: string, button: string, isOpen = required(button).getAttribute("aria-expanded") !== "true"): void {
  required(button).setAttribute("aria-expanded", String(isOpen));
  if (pane === "#tools") required(pane).classList.toggle("is-open", isOpen);
  else required(pane).hidden = !isOpen;
}
