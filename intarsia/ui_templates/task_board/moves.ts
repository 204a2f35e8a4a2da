/** Moving a card by any means: lift, aim, drop or cancel; then wait for the server, which decides. */

import {
  type Board,
  type Place,
  cardsIn,
  describe,
  idOfCard,
  idOfColumn,
  isSamePlace,
  keepFocus,
  listsOf,
  partOf,
  placeOf,
  putCard,
  titleOf,
} from "./board";
import { layOut, show } from "./pages";

/** `pointer`: the card stays, and a line shows where it will land. `steps`: the card itself moves step by step. */
type Manner = "pointer" | "steps";

interface Lift {
  readonly card: HTMLElement;
  readonly manner: Manner;
  readonly home: Place;
  readonly release: () => void;
  /** Null: dropping it here does nothing. */
  aim: Place | null;
}

interface Pending {
  readonly card: HTMLElement;
  readonly place: Place;
}

/** Follows a card that is moved in steps. */
export interface Companion {
  lifted(card: HTMLElement): void;
  moved(card: HTMLElement): void;
  ended(card: HTMLElement): void;
}

export class Moves {
  #lift: Lift | null = null;
  /** Moves without a response from the server, oldest first. */
  readonly #pending = new Set<Pending>();
  /** The cards of each list in the order that the server sent last. */
  #serverOrder: (readonly [HTMLElement, readonly HTMLElement[]])[] = [];
  readonly #board: Board;
  readonly #companion: Companion;

  constructor(board: Board, companion: Companion) {
    this.#board = board;
    this.#companion = companion;
  }

  /** The card that is being moved in steps. */
  get stepping(): HTMLElement | undefined {
    return this.#lift?.manner === "steps" ? this.#lift.card : undefined;
  }

  start(card: HTMLElement, manner: Manner): void {
    this.cancel();
    this.clearRefused();
    const home = placeOf(card);
    this.#lift = { card, manner, home, aim: home, release: this.#board.view.hold() };
    card.dataset.lifted = manner;
    if (this.stepping) {
      this.#companion.lifted(card);
      show(this.#board, card);
    }
    this.#say("Lifted", card, this.stepping ? " Arrow keys move it, Space drops it, Escape puts it back." : "");
  }

  /** Changes where the card would go. */
  aimAt(place: Place | null): void {
    if (this.#lift) this.#lift.aim = place;
  }

  /** Moves the card to its next place. */
  step(place: Place): void {
    const card = this.stepping;
    if (!card) return;
    this.aimAt(place);
    keepFocus(card, () => {
      putCard(card, place);
      show(this.#board, card);
    });
    this.#companion.moved(card);
    this.#board.view.announce(`${describe(card)}.`);
  }

  cancel(): void {
    const lift = this.#end();
    if (!lift) return;
    keepFocus(lift.card, () => {
      this.#showPending();
      if (lift.manner === "steps") show(this.#board, lift.card);
    });
    lift.release();
    this.#say("Put back", lift.card);
  }

  /** Drops the card where it was aimed. */
  async drop(): Promise<void> {
    const { aim, home } = this.#lift ?? {};
    if (!aim || !home || isSamePlace(aim, home)) return this.cancel();
    const { card, release } = this.#end() as Lift;
    const { view, pages } = this.#board;
    const move = { card, place: aim };
    this.#pending.add(move);
    const index = partOf(aim.list).above + aim.index;
    const detail = { card: idOfCard(this.#board, card), column: idOfColumn(this.#board, aim.list), index };
    const outcome = view.act("move", detail, card);
    this.#showPending();
    pages.set(aim.list, card);
    layOut(this.#board);
    this.#say("Dropped", card);
    release();
    const { ok } = await outcome;
    this.#pending.delete(move);
    keepFocus(card, () => this.#settle(card, ok));
  }

  /** The document changed. An update has the lists as the server has them; pending moves are shown on top. */
  notePatch(isNew: boolean): void {
    if (isNew) this.#serverOrder = listsOf(this.#board).map((list) => [list, cardsIn(list)] as const);
    this.#showPending();
  }

  /** Clears the marks of refused moves, at the next action. */
  clearRefused(): void {
    for (const card of this.#board.root.querySelectorAll("[data-refused]")) card.removeAttribute("data-refused");
  }

  #end(): Lift | null {
    const lift = this.#lift;
    this.#lift = null;
    if (lift) {
      delete lift.card.dataset.lifted;
      this.#companion.ended(lift.card);
    }
    return lift;
  }

  #settle(card: HTMLElement, isAgreed: boolean): void {
    this.#showPending();
    if (isAgreed || !card.isConnected) return layOut(this.#board);
    card.dataset.refused = "";
    show(this.#board, card);
  }

  #showPending(): void {
    if (this.#lift) return;
    for (const [list, cards] of this.#serverOrder) {
      cards.filter((card) => card.isConnected).forEach((card, index) => putCard(card, { list, index }));
    }
    for (const { card, place } of this.#pending) if (card.isConnected) putCard(card, place);
  }

  #say(what: string, card: HTMLElement, more = ""): void {
    this.#board.view.announce(`${what} ${titleOf(card)}, ${describe(card)}.${more}`);
  }
}
