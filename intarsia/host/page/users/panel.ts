/** Shows who is signed in, and what they granted: a button in the page's top bar, and a panel below it. */

import { element } from "../dom";
import type { Scope, User, Users } from "./users";

/** Runs after the page switched to another user. */
export type Switched = () => Promise<void>;

export class UsersPanel {
  readonly #face = element("span", { class: "face", ariaHidden: "true" });
  readonly #before = element("span", { class: "unseen" }, "Signed in as ");
  readonly #name = element("span", { class: "who-name" });
  readonly #role = element("span", { class: "who-role" });
  readonly #label = element("span", { class: "label" }, this.#before, this.#name, " ", this.#role);
  readonly #button = element("button", { class: "button quiet who-button", type: "button" }, this.#face, this.#label);
  readonly #panel = element("section", { class: "who-panel", id: "who-panel", hidden: true });
  readonly #rows: { user: User; row: HTMLButtonElement }[];
  readonly #ticks: { scope: Scope; box: HTMLInputElement }[];
  readonly #granted = element("h2", { class: "who-title" });
  readonly #scopes: HTMLElement;
  readonly #said = element("p", { class: "who-said", role: "status" });
  readonly #leave = element("button", { class: "button", type: "button" }, "Disconnect");
  #doing = Promise.resolve();
  readonly #join = element("button", { class: "button primary", type: "button" }, "Connect");

  constructor(
    place: HTMLElement,
    private readonly users: Users,
    private readonly switched: Switched,
  ) {
    this.#rows = users.all.map((user) => ({ user, row: this.#userRow(user) }));
    this.#ticks = users.scopes.map((scope) => ({ scope, box: this.#tick(scope) }));
    this.#scopes = element("div", { class: "who-scopes", role: "group", ariaLabel: "Permissions" }, ...this.#ticks.map(({ scope, box }) => scopeRow(scope, box)));
    this.#panel.setAttribute("aria-label", "Who is signed in");
    this.#panel.append(
      element("div", { class: "who-people", role: "group", ariaLabel: "Users" }, ...this.#rows.map(({ row }) => row)),
      this.#granted,
      this.#scopes,
      element("div", { class: "who-end" }, this.#said, this.#join, this.#leave),
    );
    this.#button.setAttribute("aria-controls", "who-panel");
    this.#button.onclick = () => this.#open(this.#panel.hidden === true);
    this.#leave.onclick = () => this.#do(() => users.disconnect(), "Disconnected. Open widgets are signed out, too.", this.#join);
    this.#join.onclick = () => this.#do(() => this.#switch(users.current), "Connected.", this.#leave);
    place.append(this.#button, this.#panel);
    this.#closeByItself(place);
    users.onChange(() => this.#show());
    this.#open(false);
    this.#show();
  }

  #userRow(user: User): HTMLButtonElement {
    const face = element("span", { class: "face", ariaHidden: "true" }, initialsOf(user));
    const name = element("span", { class: "who-name" }, user.name);
    const row = element("button", { class: "who-user", type: "button" }, face, name, element("span", { class: "who-role" }, user.role));
    row.onclick = () => {
      if (!this.#isCurrent(user)) this.#do(() => this.#switch(user), `Signed in as ${user.name}.`);
    };
    return row;
  }

  #tick(scope: Scope): HTMLInputElement {
    const box = element("input", { type: "checkbox", name: scope.name });
    box.onchange = () => {
      if (box.checked) this.#do(() => this.users.grant([scope.name]), `Granted ${scope.name}.`);
      else this.#do(() => this.users.withdraw(scope.name), `Revoked ${scope.name}. This takes effect within 5 seconds.`);
    };
    return box;
  }

  #isCurrent(user: User): boolean {
    return user === this.users.current && user.granted !== null;
  }

  async #switch(user: User): Promise<void> {
    await this.users.connect(user);
    await this.switched();
  }

  /** Runs one task after the other, and shows its result. */
  #do(work: () => Promise<void>, done: string, next?: HTMLElement): void {
    this.#panel.ariaBusy = "true";
    this.#said.classList.remove("is-error");
    this.#doing = this.#doing
      .then(work)
      .then(
        () => this.#say(done, false),
        (error: unknown) => this.#say(error instanceof Error ? error.message : String(error), true),
      )
      .finally(() => {
        this.#panel.ariaBusy = "false";
        this.#show();
        if (next && !this.#panel.hidden) next.focus();
      });
  }

  #say(text: string, isError: boolean): void {
    this.#said.textContent = text;
    this.#said.classList.toggle("is-error", isError);
  }

  #show(): void {
    const { current } = this.users;
    const { granted } = current;
    this.#face.textContent = granted ? initialsOf(current) : "";
    this.#face.classList.toggle("is-nobody", !granted);
    this.#name.textContent = granted ? current.name : "Signed out";
    this.#role.textContent = granted ? current.role : "";
    this.#before.hidden = !granted;
    for (const { user, row } of this.#rows) row.setAttribute("aria-pressed", String(this.#isCurrent(user)));
    for (const { scope, box } of this.#ticks) box.checked = granted?.includes(scope.name) ?? false;
    this.#granted.textContent = granted ? "Granted to this connector" : `${current.name} is not connected`;
    this.#scopes.hidden = !granted;
    this.#leave.hidden = !granted;
    this.#join.hidden = granted !== null;
  }

  #open(isOpen: boolean): void {
    this.#button.setAttribute("aria-expanded", String(isOpen));
    this.#panel.hidden = !isOpen;
    if (isOpen) this.#say("", false);
  }

  /** Closes the panel when the user turns to something else, a widget included. */
  #closeByItself(place: HTMLElement): void {
    const isIn = (target: EventTarget | null) => target instanceof Node && place.contains(target);
    document.addEventListener("pointerdown", ({ target }) => {
      if (!isIn(target)) this.#open(false);
    });
    addEventListener("blur", () => {
      if (document.activeElement instanceof HTMLIFrameElement) this.#open(false);
    });
    place.addEventListener("keydown", ({ key }) => {
      if (key !== "Escape" || this.#panel.hidden) return;
      this.#open(false);
      this.#button.focus();
    });
  }
}

function scopeRow(scope: Scope, box: HTMLInputElement): HTMLElement {
  return element("label", { class: "who-scope" }, box, element("span", {}, scope.label), element("code", {}, scope.name));
}

function initialsOf({ name }: User): string {
  return name.split(" ").map((word) => word.charAt(0)).join("").slice(0, 2);
}
