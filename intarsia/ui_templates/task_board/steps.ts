/** Moving a card step by step: by keys, and by buttons in the lifted card for users who cannot drag. */

import { around, make } from "../_elements";
import {
  type Board,
  type Place,
  cardAround,
  handleOf,
  idOfCard,
  isRightToLeft,
  listsOf,
  nameOf,
  placeOf,
  titleOf,
} from "./board";
import { type Companion, Moves } from "./moves";

/** Names of steps, in the order of their buttons. */
const STEPS = ["previous", "next", "up", "down"];

const LOOKS: Readonly<Record<string, string>> = { drop: "primary", delete: "danger" };

const KEYS: Readonly<Record<string, string>> = {
  ArrowUp: "up",
  ArrowDown: "down",
  ArrowLeft: "previous",
  ArrowRight: "next",
  Home: "first",
  End: "last",
};

const MIRRORED: Readonly<Record<string, string>> = { previous: "next", next: "previous" };

/** Where a step leads; null when there is nowhere to go. */
function placeAfter(board: Board, card: HTMLElement, step: string): Place | null {
  const { list, index } = placeOf(card);
  const end = list.childElementCount - 1;
  const along: Readonly<Record<string, number>> = { up: index - 1, down: index + 1, first: 0, last: end };
  const goal = along[step];
  if (goal !== undefined) return goal < 0 || goal > end || goal === index ? null : { list, index: goal };
  const lists = listsOf(board);
  const beside = lists[lists.indexOf(list) + (step === "next" ? 1 : -1)];
  return beside ? { list: beside, index: Math.min(index, beside.childElementCount) } : null;
}

export class Steps implements Companion {
  /** The buttons in the lifted card. */
  #row: HTMLElement | null = null;
  readonly #board: Board;
  readonly moves: Moves;

  constructor(board: Board, signal: AbortSignal) {
    this.#board = board;
    this.moves = new Moves(board, this);
    board.root.addEventListener("click", (event) => this.#onClick(event));
    board.root.addEventListener("keydown", (event) => this.#onKey(event));
    document.addEventListener("pointerdown", ({ target }) => this.#leave(target), { signal, capture: true });
    document.addEventListener("focusin", ({ target }) => this.#leave(target), { signal });
    window.addEventListener("blur", () => this.#leave(null), { signal });
  }

  lifted(card: HTMLElement): void {
    this.#row = make("div", "intarsia-task-board__steps", { role: "group", "aria-label": `Move ${titleOf(card)}` });
    const canDelete = !("stays" in card.dataset) && this.#board.root.querySelector('[data-outlet="delete"]');
    for (const step of [...STEPS, "drop", "cancel", ...(canDelete ? ["delete"] : [])]) {
      const button = make("button", "intarsia-button", { "data-step": step, "data-variant": LOOKS[step] ?? "" });
      button.textContent = step.charAt(0).toUpperCase() + step.slice(1);
      this.#row.append(button);
    }
    card.append(this.#row);
    this.moved(card);
  }

  moved(card: HTMLElement): void {
    STEPS.forEach((step, at) => {
      const button = this.#row?.children[at];
      const place = placeAfter(this.#board, card, step);
      button?.setAttribute("aria-disabled", String(!place));
      if (at < 2) button?.replaceChildren(this.#nameColumn(button, place, step === "next"));
    });
  }

  ended(card: HTMLElement): void {
    const hadFocus = this.#row?.contains(document.activeElement);
    this.#row?.remove();
    if (hadFocus) handleOf(card)?.focus({ preventScroll: true });
  }

  /** Names a button by the column that it leads to. */
  #nameColumn(button: Element, place: Place | null, isNext: boolean): string {
    const name = place ? nameOf(place.list) : "";
    button.setAttribute("aria-label", name ? `To ${name}` : `No ${isNext ? "next" : "previous"} column`);
    return `${isNext === isRightToLeft(this.#board) ? "←" : "→"} ${name}`;
  }

  #onClick({ target }: Event): void {
    const button = around(target, "button");
    const card = cardAround(button);
    const step = button?.dataset.step;
    if (!button || !card) return;
    if (step === "drop" || (button === handleOf(card) && card === this.moves.stepping)) void this.moves.drop();
    else if (step === "cancel") this.moves.cancel();
    else if (step === "delete") {
      this.moves.cancel();
      void this.#board.view.act("delete", { card: idOfCard(this.#board, card) }, handleOf(card) ?? card);
    } else if (step) this.#go(step);
    else if (button === handleOf(card)) {
      this.moves.start(card, "steps");
      button.focus({ preventScroll: true }); // not every browser focuses a button on click
    }
  }

  #onKey(event: KeyboardEvent): void {
    const step = KEYS[event.key];
    if (!this.moves.stepping?.contains(event.target as Node)) return;
    if (event.key === "Escape") this.moves.cancel();
    else if (step) this.#go((isRightToLeft(this.#board) && MIRRORED[step]) || step);
    else return;
    event.preventDefault();
  }

  #go(step: string): void {
    const card = this.moves.stepping;
    const place = card && placeAfter(this.#board, card, step);
    if (place) this.moves.step(place);
  }

  /** Cancels the move when the user turns to something else. */
  #leave(target: EventTarget | null): void {
    if (this.moves.stepping && !(target instanceof Node && this.moves.stepping.contains(target))) this.moves.cancel();
  }
}
