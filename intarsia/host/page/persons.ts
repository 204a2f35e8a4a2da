/** The people between whom the page switches. What they granted is known to the issuer; here is what was read of it. */

import type { Access, MissingScopesError } from "./access";
import type { Approvals } from "./approvals";

export interface Person {
  readonly key: string;
  readonly name: string;
  readonly role: string;
  /** What they have granted; null when they are not connected. */
  granted: readonly string[] | null;
}

export interface Scope {
  readonly name: string;
  /** In plain words. */
  readonly label: string;
}

interface Told {
  persons: Person[];
  scopes: Scope[];
}

/** Who the page starts with, unless its URL says so: somebody who can do most things. */
const FIRST = "editor";

export class Persons {
  readonly #listeners: (() => void)[] = [];
  #signedOut: () => void = () => undefined;
  readonly #asking = new Map<string, Promise<boolean>>();

  private constructor(
    readonly all: readonly Person[],
    readonly scopes: readonly Scope[],
    private readonly address: string,
    private readonly access: Access,
    private readonly approvals: Approvals,
    public current: Person,
  ) {}

  /** Reads who there is, and connects as the one that the URL names. */
  static async start(address: string, query: URLSearchParams, access: Access, approvals: Approvals): Promise<Persons> {
    const { persons, scopes } = (await (await fetch(address)).json()) as Told;
    const first = [query.get("person"), FIRST].flatMap((key) => persons.find((person) => person.key === key) ?? [])[0];
    if (!first) throw new Error("There is nobody to sign in as.");
    const started = new Persons(persons, scopes, address, access, approvals, first);
    access.widen = (missing) => started.#widen(missing);
    access.onSignedOut = () => started.#leave();
    if (first.granted) await started.connect();
    return started;
  }

  /** Calls back after each change. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Calls back when the person who was signed in is not any more. */
  onSignedOut(listener: () => void): void {
    this.#signedOut = listener;
  }

  /** Signs in as somebody, who grants what they granted before, or at first. */
  async connect(person = this.current): Promise<void> {
    await this.#mint(person);
  }

  /** Grants more, at once. */
  async grant(scopes: readonly string[]): Promise<void> {
    await this.#mint(this.current, [...(this.current.granted ?? []), ...scopes]);
  }

  /** Takes one scope back at the issuer. The token stays the same: the connector has to notice by itself. */
  async withdraw(scope: string): Promise<void> {
    const person = this.current;
    const left = (person.granted ?? []).filter((name) => name !== scope);
    const answer = await this.#post<{ scopes: string[] }>("narrow", { person: person.key, scopes: left });
    person.granted = answer.scopes;
    this.#tell();
  }

  /** Takes everything back. */
  async disconnect(): Promise<void> {
    await this.#post("disconnect", { person: this.current.key });
    this.access.use(null);
    this.#leave();
  }

  async #mint(person: Person, scopes?: readonly string[]): Promise<void> {
    const asked = { person: person.key, ...(scopes && { scopes }) };
    const answer = await this.#post<{ token: string; scopes: string[] }>("token", asked);
    person.granted = answer.scopes;
    this.current = person;
    this.access.use(answer.token);
    this.#tell();
  }

  /** Several calls that miss the same are one question. */
  #widen({ message, scopes }: MissingScopesError): Promise<boolean> {
    const missing = [...scopes].sort().join(" ");
    const asking = this.#asking.get(missing) ?? this.#ask(message, scopes).finally(() => this.#asking.delete(missing));
    this.#asking.set(missing, asking);
    return asking;
  }

  async #ask(reason: string, scopes: readonly string[]): Promise<boolean> {
    const person = this.current;
    const question = `Allow ${scopes.join(" and ")}?`;
    const words = { yes: "Allow", no: "Not now", takesFocus: true };
    const isAllowed = await this.approvals.ask(question, `${reason} You are ${person.name}, ${person.role}.`, words);
    if (!isAllowed || person !== this.current) return false;
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
    if (!answer.ok) throw new Error(said.error ?? "The issuer did not answer.");
    return said;
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
