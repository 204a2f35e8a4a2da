/** The connectors of this page. The host keeps the tokens of added ones; none is here. */

import type { MissingScopesError } from "../mcp/access";
import type { Approvals } from "../approvals";
import { Source, type Shared } from "./source";

export type State = "connected" | "not_connected" | "needs_sign_in";

interface ConnectorInfo {
  id: string;
  name: string;
  url: string;
  state: State;
  scopes: string[];
}

interface Known {
  connectors: ConnectorInfo[];
  blocked: Record<string, string[]>;
}

/** The fields of the form that adds a connector. */
export interface NewConnector {
  name: string;
  url: string;
  client_id: string;
  client_secret: string;
}

/** A connector that a user added. */
export class AddedConnector {
  readonly source: Source;

  constructor(
    public info: ConnectorInfo,
    shared: Shared,
  ) {
    this.source = new Source(info.id, shared);
  }
}

export class Connectors {
  added: AddedConnector[] = [];
  readonly #listeners: (() => void)[] = [];
  readonly #others = new BroadcastChannel("intarsia-connectors");
  readonly #asking = new Map<string, Promise<boolean>>();
  #signedIn: (source: Source) => void = () => undefined;
  #signedOut: (source: Source, why: string) => void = () => undefined;
  /** The ids of connectors that the user disconnected or removed. */
  readonly #left = new Set<string>();

  constructor(
    private readonly address: string,
    private readonly own: Source,
    private readonly shared: Shared,
  ) {
    this.#others.onmessage = () => void this.refresh(false);
  }

  /** Calls back after each change. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Calls back when the user is signed in to a connector again. */
  onSignedIn(listener: (source: Source) => void): void {
    this.#signedIn = listener;
  }

  /** Calls back when the user is signed out of a connector. */
  onSignedOut(listener: (source: Source, why: string) => void): void {
    this.#signedOut = listener;
  }

  /** The sources of tools, the host's own connector first. */
  get sources(): Source[] {
    return [this.own, ...this.added.map(({ source }) => source)];
  }

  /** Reads the connectors, and opens those that are connected. */
  async refresh(tellsOthers = false): Promise<void> {
    const answer = await fetch(this.address);
    await this.#take((await answer.json()) as Known);
    if (tellsOthers) this.#others.postMessage("changed");
  }

  async add(given: NewConnector): Promise<AddedConnector> {
    const info = await this.#post<ConnectorInfo>("", given);
    await this.refresh(true);
    const added = this.added.find(({ source }) => source.id === info.id);
    if (!added) throw new Error("The connector has been removed.");
    return added;
  }

  /** Connects: the user signs in on a page of the connector's issuer, in another tab. */
  async connect(added: AddedConnector, scopes: readonly string[] = []): Promise<void> {
    const { id } = added.info;
    const { address } = await this.#post<{ address: string | null }>(`/${id}/connect`, { scopes });
    if (address === null) await this.#wait(id);
    else await this.#signIn(added, address);
    this.#left.delete(id);
    const wasOpen = added.source.isOpen;
    added.source.access.renew();
    await this.refresh(true);
    if (!wasOpen) this.#signedIn(added.source);
  }

  /** Deletes the user's access; returns whether the issuer revoked it. */
  async disconnect(added: AddedConnector): Promise<boolean> {
    return this.#leave(added, "disconnect", "You disconnected this connector.");
  }

  async remove(added: AddedConnector): Promise<boolean> {
    return this.#leave(added, "remove", "You removed this connector.");
  }

  async #leave({ info, source }: AddedConnector, how: "disconnect" | "remove", why: string): Promise<boolean> {
    this.#left.add(info.id);
    const leaving = this.#post<{ is_taken_back: boolean }>(`/${info.id}/${how}`);
    const { is_taken_back } = await leaving.catch((error: unknown) => {
      this.#left.delete(info.id);
      throw error;
    });
    this.#signedOut(source, why);
    await this.refresh(true);
    return is_taken_back;
  }

  /** Blocks a tool for every user, or unblocks it. */
  async block(source: Source, tool: string, blocked: boolean): Promise<void> {
    await this.#take(await this.#post<Known>("/blocked", { connector: source.id, tool, blocked }));
    this.#others.postMessage("changed");
  }

  /** Reports that a rule or a switch was changed. */
  tell(): void {
    for (const listener of this.#listeners) listener();
  }

  async #take({ connectors, blocked }: Known): Promise<void> {
    const before = new Map(this.added.map((added) => [added.info.id, added]));
    this.added = connectors.map((info) => {
      const added = before.get(info.id) ?? this.#create(info);
      before.delete(info.id);
      added.info = info;
      return added;
    });
    for (const gone of before.values()) void gone.source.close();
    for (const source of this.sources) source.rules.blockedForAll = new Set(blocked[source.id] ?? []);
    await Promise.all(this.added.map((added) => this.#follow(added)));
    this.tell();
  }

  #create(info: ConnectorInfo): AddedConnector {
    const added = new AddedConnector(info, this.shared);
    added.source.access.widen = (missing) => this.#widen(added, missing);
    added.source.access.onSignedOut = () => {
      if (this.#left.has(info.id)) return; // a call that was in flight; the user disconnected and knows
      this.#signedOut(added.source, `${added.info.name} signed you out. Connect again.`);
      void this.refresh(true);
    };
    return added;
  }

  /** Opens the connection of a connector that was connected, and closes that of one that no longer is. */
  async #follow({ info, source }: AddedConnector): Promise<void> {
    if (info.state === "connected" && !source.isOpen) await this.open(source).catch(() => undefined);
    if (info.state !== "connected" && source.isOpen) await source.close();
  }

  /** Reads the tools of all connectors, which finds out about access that was revoked elsewhere. */
  async check(): Promise<void> {
    const open = this.added.filter(({ source }) => source.isOpen);
    await Promise.all(open.map(({ source }) => source.connection.readTools().catch(() => undefined)));
    this.tell();
  }

  /** Opens every connection again, with another protocol version. */
  async openAgain(): Promise<void> {
    await Promise.all(this.added.filter(({ source }) => source.isOpen).map(({ source }) => this.open(source)));
    this.tell();
  }

  /** Connects to an added connector over the host, which proxies everything. */
  async open(source: Source): Promise<void> {
    await source.open(new URL(`${this.address}/${source.id}/mcp`, location.href));
  }

  /** Asks one question for all calls that miss the same scopes. */
  #widen(added: AddedConnector, missing: MissingScopesError): Promise<boolean> {
    const key = [added.info.id, ...missing.scopes].join(" ");
    const asking = this.#asking.get(key) ?? this.#ask(added, missing).finally(() => this.#asking.delete(key));
    this.#asking.set(key, asking);
    return asking;
  }

  async #ask(added: AddedConnector, { message, scopes }: MissingScopesError): Promise<boolean> {
    const words = { yes: "Allow", no: "Not now", takesFocus: true };
    const question = `Allow ${scopes.join(" and ")}?`;
    const isAllowed = await this.#approvals.ask(question, `${message} ${added.info.name} will ask you in a new tab.`, words);
    if (!isAllowed) return false;
    return this.connect(added, scopes).then(() => true, () => false);
  }

  get #approvals(): Approvals {
    return this.shared.approvals;
  }

  /** Shows the sign-in page in another tab until the user is back, or gives up. */
  async #signIn(added: AddedConnector, address: string): Promise<void> {
    const { id, name } = added.info;
    const back = new AbortController();
    openTab(address);
    const asking = this.#offerTab(name, address, back.signal).then((isWaiting) => {
      if (!isWaiting) void this.#post(`/${id}/cancel`).catch(() => undefined);
    });
    try {
      await this.#wait(id);
    } finally {
      back.abort();
      await asking;
    }
  }

  /** Offers the sign-in page again, for a browser that opened no tab; resolves with whether the user still waits. */
  async #offerTab(name: string, address: string, signal: AbortSignal): Promise<boolean> {
    const words = { yes: "Open again", no: "Cancel", signal };
    const about = `Continue in the new tab of ${new URL(address).host}.`;
    while (!signal.aborted && (await this.#approvals.ask(`Sign in to ${name}`, about, words))) openTab(address);
    return signal.aborted;
  }

  /** Waits until the host knows how the sign-in ended. */
  async #wait(id: string): Promise<void> {
    for (;;) {
      const { connector } = await this.#post<{ connector: ConnectorInfo | null }>(`/${id}/wait`);
      if (connector) return;
    }
  }

  async #post<Answer>(path: string, body: object = {}): Promise<Answer> {
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(`${this.address}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    const said = (await answer.json()) as Answer & { error?: string };
    if (!answer.ok) throw new Error(said.error ?? "The host did not respond.");
    return said;
  }
}

/** Opens a page that has no reference to this one. */
function openTab(address: string): void {
  const tab = open("about:blank", "_blank");
  if (!tab) return;
  tab.opener = null;
  tab.location.href = address;
}

