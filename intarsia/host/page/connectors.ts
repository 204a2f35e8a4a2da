/** The connectors of this page. Who is signed in to added ones is known to the host alone: no token is here. */

import type { MissingScopesError } from "./access";
import type { Approvals } from "./approvals";
import { Source, type Shared } from "./source";

export type State = "connected" | "not_connected" | "needs_sign_in";

interface Told {
  id: string;
  name: string;
  url: string;
  state: State;
  scopes: string[];
}

interface Known {
  connectors: Told[];
  blocked: Record<string, string[]>;
}

/** What the form asks for. */
export interface Adding {
  name: string;
  url: string;
  client_id: string;
  client_secret: string;
}

/** One that somebody added. */
export class Added {
  readonly source: Source;

  constructor(
    public told: Told,
    shared: Shared,
  ) {
    this.source = new Source(told.id, shared);
  }
}

export class Connectors {
  added: Added[] = [];
  readonly #listeners: (() => void)[] = [];
  readonly #others = new BroadcastChannel("intarsia-connectors");
  readonly #asking = new Map<string, Promise<boolean>>();
  #signedIn: (source: Source) => void = () => undefined;
  #signedOut: (source: Source, why: string) => void = () => undefined;
  /** What the person disconnected or removed, by its id. */
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

  /** Calls back when a connector knows the person again. */
  onSignedIn(listener: (source: Source) => void): void {
    this.#signedIn = listener;
  }

  /** Calls back when a connector does not know the person any more. */
  onSignedOut(listener: (source: Source, why: string) => void): void {
    this.#signedOut = listener;
  }

  /** Where tools come from, the host's own connector first. */
  get sources(): Source[] {
    return [this.own, ...this.added.map(({ source }) => source)];
  }

  /** Reads what there is, and opens what is connected. */
  async refresh(tellsOthers = false): Promise<void> {
    const answer = await fetch(this.address);
    await this.#take((await answer.json()) as Known);
    if (tellsOthers) this.#others.postMessage("changed");
  }

  async add(given: Adding): Promise<Added> {
    const told = await this.#post<Told>("", given);
    await this.refresh(true);
    const added = this.added.find(({ source }) => source.id === told.id);
    if (!added) throw new Error("The connector was removed meanwhile.");
    return added;
  }

  /** Connects: the person signs in on a page of the connector's issuer, in another tab. */
  async connect(added: Added, scopes: readonly string[] = []): Promise<void> {
    const { id } = added.told;
    const { address } = await this.#post<{ address: string | null }>(`/${id}/connect`, { scopes });
    if (address === null) await this.#wait(id);
    else await this.#signIn(added, address);
    this.#left.delete(id);
    const wasOpen = added.source.isOpen;
    added.source.access.renew();
    await this.refresh(true);
    if (!wasOpen) this.#signedIn(added.source);
  }

  /** Forgets the person's access; returns whether the issuer took it back. */
  async disconnect(added: Added): Promise<boolean> {
    return this.#leave(added, "disconnect", "You disconnected this connector.");
  }

  async remove(added: Added): Promise<boolean> {
    return this.#leave(added, "remove", "You removed this connector.");
  }

  async #leave({ told, source }: Added, how: "disconnect" | "remove", why: string): Promise<boolean> {
    this.#left.add(told.id);
    const leaving = this.#post<{ is_taken_back: boolean }>(`/${told.id}/${how}`);
    const { is_taken_back } = await leaving.catch((error: unknown) => {
      this.#left.delete(told.id);
      throw error;
    });
    this.#signedOut(source, why);
    await this.refresh(true);
    return is_taken_back;
  }

  /** Blocks a tool for everybody, or no longer. */
  async block(source: Source, tool: string, blocked: boolean): Promise<void> {
    await this.#take(await this.#post<Known>("/blocked", { connector: source.id, tool, blocked }));
    this.#others.postMessage("changed");
  }

  /** Says that a rule was changed, or a switch. */
  tell(): void {
    for (const listener of this.#listeners) listener();
  }

  async #take({ connectors, blocked }: Known): Promise<void> {
    const before = new Map(this.added.map((added) => [added.told.id, added]));
    this.added = connectors.map((told) => {
      const added = before.get(told.id) ?? this.#create(told);
      before.delete(told.id);
      added.told = told;
      return added;
    });
    for (const gone of before.values()) void gone.source.close();
    for (const source of this.sources) source.rules.blockedForAll = new Set(blocked[source.id] ?? []);
    await Promise.all(this.added.map((added) => this.#follow(added)));
    this.tell();
  }

  #create(told: Told): Added {
    const added = new Added(told, this.shared);
    added.source.access.widen = (missing) => this.#widen(added, missing);
    added.source.access.onSignedOut = () => {
      if (this.#left.has(told.id)) return; // a call that was under way; the person knows already
      this.#signedOut(added.source, `${added.told.name} no longer knows you. Connect again.`);
      void this.refresh(true);
    };
    return added;
  }

  /** Opens the connection of what was connected, and ends that of what no longer is. */
  async #follow({ told, source }: Added): Promise<void> {
    if (told.state === "connected" && !source.isOpen) await this.open(source).catch(() => undefined);
    if (told.state !== "connected" && source.isOpen) await source.close();
  }

  /** Asks connectors for their tools: who was withdrawn somewhere else gets to know it. */
  async check(): Promise<void> {
    const open = this.added.filter(({ source }) => source.isOpen);
    await Promise.all(open.map(({ source }) => source.connection.readTools().catch(() => undefined)));
    this.tell();
  }

  /** Opens every connection anew, as another protocol needs. */
  async openAgain(): Promise<void> {
    await Promise.all(this.added.filter(({ source }) => source.isOpen).map(({ source }) => this.open(source)));
    this.tell();
  }

  /** Connects to the host's own address for an added connector, which passes everything on. */
  async open(source: Source): Promise<void> {
    await source.open(new URL(`${this.address}/${source.id}/mcp`, location.href));
  }

  /** Several calls that miss the same are one question. */
  #widen(added: Added, missing: MissingScopesError): Promise<boolean> {
    const key = [added.told.id, ...missing.scopes].join(" ");
    const asking = this.#asking.get(key) ?? this.#ask(added, missing).finally(() => this.#asking.delete(key));
    this.#asking.set(key, asking);
    return asking;
  }

  async #ask(added: Added, { message, scopes }: MissingScopesError): Promise<boolean> {
    const words = { yes: "Allow", no: "Not now", takesFocus: true };
    const question = `Allow ${scopes.join(" and ")}?`;
    const isAllowed = await this.#approvals.ask(question, `${message} ${added.told.name} will ask you in a new tab.`, words);
    if (!isAllowed) return false;
    return this.connect(added, scopes).then(() => true, () => false);
  }

  get #approvals(): Approvals {
    return this.shared.approvals;
  }

  /** Shows the sign-in page in another tab until the person is back, or gives up. */
  async #signIn(added: Added, address: string): Promise<void> {
    const { id, name } = added.told;
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

  /** Offers the sign-in page again, for a browser that opened no tab; resolves with whether the person still wants it. */
  async #offerTab(name: string, address: string, signal: AbortSignal): Promise<boolean> {
    const words = { yes: "Open again", no: "Cancel", signal };
    const about = `A new tab of ${new URL(address).host} asks you.`;
    while (!signal.aborted && (await this.#approvals.ask(`Sign in to ${name}`, about, words))) openTab(address);
    return signal.aborted;
  }

  /** Waits until the host knows how the sign-in ended. */
  async #wait(id: string): Promise<void> {
    for (;;) {
      const { connector } = await this.#post<{ connector: Told | null }>(`/${id}/wait`);
      if (connector) return;
    }
  }

  async #post<Answer>(path: string, body: object = {}): Promise<Answer> {
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(`${this.address}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    const said = (await answer.json()) as Answer & { error?: string };
    if (!answer.ok) throw new Error(said.error ?? "The host did not answer.");
    return said;
  }
}

/** Opens a page that knows nothing of this one. */
function openTab(address: string): void {
  const tab = open("about:blank", "_blank");
  if (!tab) return;
  tab.opener = null;
  tab.location.href = address;
}

