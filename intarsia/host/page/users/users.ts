/** The demo users that the page switches between. Their grants are the issuer's; here is a copy for display. */

import type { Access, MissingScopesError } from "../mcp/access";
import type { Approvals } from "../approvals";

export interface User {
  readonly key: string;
  readonly name: string;
  readonly role: string;
  /** The granted scopes; null when the user is not connected. */
  granted: readonly string[] | null;
}

export interface Scope {
  readonly name: string;
  /** The scope in plain words. */
  readonly label: string;
}

/** The response of the issuer's list of users. Its fields keep their names on the wire. */
interface UserList {
  users: User[];
  scopes: Scope[];
}

/** The key of the user that the page starts with, unless its URL names one. */
const DEFAULT_KEY = "editor";

export class Users {
  readonly #listeners: (() => void)[] = [];
  #signedOut: () => void = () => undefined;
  readonly #asking = new Map<string, Promise<boolean>>();

  private constructor(
    readonly all: readonly User[],
    readonly scopes: readonly Scope[],
    private readonly address: string,
    private readonly access: Access,
    private readonly approvals: Approvals,
    public current: User,
  ) {}

  /** Reads the users, and connects as the one that the URL names. */
  static async start(address: string, query: URLSearchParams, access: Access, approvals: Approvals): Promise<Users> {
    const { users, scopes } = (await (await fetch(address)).json()) as UserList;
    const first = [query.get("user"), DEFAULT_KEY].flatMap((key) => users.find((user) => user.key === key) ?? [])[0];
    if (!first) throw new Error("There is no user to sign in as.");
    const started = new Users(users, scopes, address, access, approvals, first);
    access.widen = (missing) => started.#widen(missing);
    access.onSignedOut = () => started.#leave();
    if (first.granted) await started.connect();
    return started;
  }

  /** Calls back after each change. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Calls back when the current user is signed out. */
  onSignedOut(listener: () => void): void {
    this.#signedOut = listener;
  }

  /** Signs in as a user, with the scopes granted last, or the first ones. */
  async connect(user = this.current): Promise<void> {
    await this.#mint(user);
  }

  /** Grants more scopes, at once. */
  async grant(scopes: readonly string[]): Promise<void> {
    await this.#mint(this.current, [...(this.current.granted ?? []), ...scopes]);
  }

  /** Revokes one scope at the issuer. The token stays the same: the connector has to find out by itself. */
  async withdraw(scope: string): Promise<void> {
    const user = this.current;
    const left = (user.granted ?? []).filter((name) => name !== scope);
    const answer = await this.#post<{ scopes: string[] }>("narrow", { user: user.key, scopes: left });
    user.granted = answer.scopes;
    this.#tell();
  }

  /** Revokes everything. */
  async disconnect(): Promise<void> {
    await this.#post("disconnect", { user: this.current.key });
    this.access.use(null);
    this.#leave();
  }

  async #mint(user: User, scopes?: readonly string[]): Promise<void> {
    const asked = { user: user.key, ...(scopes && { scopes }) };
    const answer = await this.#post<{ token: string; scopes: string[] }>("token", asked);
    user.granted = answer.scopes;
    this.current = user;
    this.access.use(answer.token);
    this.#tell();
  }

  /** Asks one question for all calls that miss the same scopes. */
  #widen({ message, scopes }: MissingScopesError): Promise<boolean> {
    const missing = [...scopes].sort().join(" ");
    const asking = this.#asking.get(missing) ?? this.#ask(message, scopes).finally(() => this.#asking.delete(missing));
    this.#asking.set(missing, asking);
    return asking;
  }

  async #ask(reason: string, scopes: readonly string[]): Promise<boolean> {
    const user = this.current;
    const question = `Allow ${scopes.join(" and ")}?`;
    const words = { yes: "Allow", no: "Not now", takesFocus: true };
    const isAllowed = await this.approvals.ask(question, `${reason} You are signed in as ${user.name}, ${user.role}.`, words);
    if (!isAllowed || user !== this.current) return false;
    await this.grant(scopes);
    return true;
  }

  #leave(): void {
    if (this.current.granted === null) return;
    this.current.granted = null;
    this.#signedOut();
    this.#tell();
  }

  async #post<Answer>(what: string, body: object): Promise<Answer> {
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(`${this.address}/${what}`, { method: "POST", headers, body: JSON.stringify(body) });
    const said = (await answer.json()) as Answer & { error?: string };
    if (!answer.ok) throw new Error(said.error ?? "The sign-in service did not respond.");
    return said;
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
