/** Moving a card, whatever it is moved with: lift, aim, drop or cancel; then wait for the server, which has the last word. */

import {
  type Board,
  type Place,
  cardsIn,
  describeCard,
  describePlace,
  idOfCard,
  isSamePlace,
  listOf,
  listsOf,
  moveBefore,
  placeOf,
  putCard,
  titleOf,
} from "./board";
import { layOut, showColumnOf, turnTo } from "./pages";

/** `pointer`: the card stays and a line shows where it will land. `steps`: the card itself goes along, step by step. */
export type Manner = "pointer" | "steps";

interface Lift {
  readonly card: HTMLElement;
  readonly manner: Manner;
  readonly home: Place;
  readonly release: () => void;
  /** Null: dropping it here would do nothing. */
  aim: Place | null;
}

interface Pending {
  readonly card: HTMLElement;
  readonly place: Place;
}

/** What looks after a lifted card on the screen. */
export interface Company {
  lifted(card: HTMLElement, manner: Manner): void;
  aimed(card: HTMLElement): void;
  ended(card: HTMLElement): void;
}

export class Moves {
  private lift: Lift | null = null;
  /** Moves that the server has not answered, oldest first. */
  private readonly pending = new Set<Pending>();
  /** Every list's cards as the server said last. */
  private truth: (readonly [HTMLElement, readonly HTMLElement[]])[] = [];

  constructor(
    private readonly board: Board,
    private readonly company: Company,
  ) {}

  /** The card that is lifted now. */
  get card(): HTMLElement | null {
    return this.lift?.card ?? null;
  }

  get manner(): Manner | null {
    return this.lift?.manner ?? null;
  }

  get aim(): Place | null {
    return this.lift?.aim ?? null;
  }

  start(card: HTMLElement, manner: Manner): void {
    if (this.lift) this.cancel();
    this.clearRefused();
    const home = placeOf(this.board, card);
    this.lift = { card, manner, home, aim: home, release: this.board.view.hold() };
    card.dataset.lifted = manner;
    this.company.lifted(card, manner);
    const hint = manner === "steps" ? " Arrow keys move it, Space drops it, Escape puts it back." : "";
    this.board.view.announce(`Lifted ${titleOf(card)}, ${describeCard(this.board, card)}.${hint}`);
  }

  /** Changes where the card would go. */
  aimAt(place: Place | null): void {
    const { lift, board } = this;
    if (!lift) return;
    lift.aim = place;
    if (lift.manner === "steps" && place) {
      putCard(board, lift.card, place);
      this.show(lift.card);
      board.view.announce(`${describeCard(board, lift.card)}.`);
    }
    this.company.aimed(lift.card);
  }

  cancel(): void {
    const { lift, board } = this;
    if (!lift) return;
    this.end(lift);
    this.showPending();
    if (lift.manner === "steps") this.show(lift.card);
    else layOut(board);
    lift.release();
    board.view.announce(`Put back ${titleOf(lift.card)}, ${describeCard(board, lift.card)}.`);
  }

  /** Lets the card go where it was aimed at. */
  async drop(): Promise<void> {
    const { lift, board } = this;
    if (!lift?.aim || isSamePlace(lift.aim, lift.home)) return this.cancel();
    const { card, aim } = lift;
    this.end(lift);
    const move = { card, place: aim };
    this.pending.add(move);
    const outcome = board.view.act("move", { card: idOfCard(board, card), ...aim }, card);
    this.showPending();
    turnTo(board, card);
    layOut(board);
    board.view.announce(`Dropped ${titleOf(card)}, ${this.describe(aim)}.`);
    lift.release();
    const isRefused = !(await outcome).ok;
    this.pending.delete(move);
    this.settle(card, isRefused);
  }

  /** An answer changed the document: what is in it is the truth, and what waits is shown on top of it. */
  notePatch(): void {
    this.truth = listsOf(this.board).map((list) => [list, cardsIn(list)] as const);
    this.showPending();
  }

  /** A mark of a refusal goes with the next thing that is done. */
  clearRefused(): void {
    for (const card of this.board.root.querySelectorAll("[data-refused]")) card.removeAttribute("data-refused");
  }

  private show(card: HTMLElement): void {
    showColumnOf(this.board, card);
    turnTo(this.board, card);
    layOut(this.board);
  }

  private end(lift: Lift): void {
    this.lift = null;
    delete lift.card.dataset.lifted;
    this.company.ended(lift.card);
  }

  private settle(card: HTMLElement, isRefused: boolean): void {
    const focused = card.contains(document.activeElement) ? (document.activeElement as HTMLElement) : null;
    this.showPending();
    if (isRefused && card.isConnected) {
      card.dataset.refused = "";
      this.show(card);
    } else layOut(this.board);
    if (focused?.isConnected) focused.focus({ preventScroll: true });
  }

  private showPending(): void {
    if (this.lift) return;
    for (const [list, cards] of this.truth) {
      const present = cards.filter((card) => card.isConnected);
      present.forEach((card, index) => moveBefore(list, card, list.children[index] ?? null));
    }
    for (const { card, place } of this.pending) if (card.isConnected) putCard(this.board, card, place);
  }

  private describe(place: Place): string {
    return describePlace(this.board, place, listOf(this.board, place.column)?.childElementCount ?? 0);
  }
}
