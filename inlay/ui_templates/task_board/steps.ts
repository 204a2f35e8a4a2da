/** Moving a card step by step: from the keyboard, and by buttons in the lifted card for who cannot or will not drag. */

import {
  type Board,
  type Place,
  cardAround,
  cardsIn,
  handleOf,
  idOfColumn,
  isRightToLeft,
  listOf,
  listsOf,
  make,
  nameOfColumn,
  placeOf,
  titleOf,
} from "./board";
import type { Company, Manner, Moves } from "./moves";

/** A step from where a card is; null when there is nowhere to go. */
type Step = (board: Board, card: HTMLElement) => Place | null;

const STEPS = {
  up: along((index) => index - 1),
  down: along((index) => index + 1),
  first: along(() => 0),
  last: along((_index, end) => end),
  previous: across(-1),
  next: across(1),
} satisfies Record<string, Step>;

type StepName = keyof typeof STEPS;

const KEYS: Readonly<Record<string, StepName>> = {
  ArrowUp: "up",
  ArrowDown: "down",
  ArrowLeft: "previous",
  ArrowRight: "next",
  Home: "first",
  End: "last",
};

/** In right-to-left scripts the next column is on the left. */
const MIRRORED: Partial<Record<StepName, StepName>> = { previous: "next", next: "previous" };

function along(goal: (index: number, end: number) => number): Step {
  return (board, card) => {
    const { column, index } = placeOf(board, card);
    const end = (card.parentElement?.childElementCount ?? 1) - 1;
    const to = goal(index, end);
    return to === index || to < 0 || to > end ? null : { column, index: to };
  };
}

function across(by: number): Step {
  return (board, card) => {
    const lists = listsOf(board);
    const list = lists[lists.indexOf(card.parentElement as HTMLElement) + by];
    if (!list) return null;
    return { column: idOfColumn(board, list), index: Math.min(placeOf(board, card).index, cardsIn(list).length) };
  };
}

/** The row of buttons in a lifted card. */
export class Steps implements Company {
  private row: HTMLElement | null = null;
  moves: Moves | null = null;

  constructor(private readonly board: Board) {}

  listen(signal: AbortSignal): void {
    const { root } = this.board;
    root.addEventListener("click", (event) => this.onClick(event));
    root.addEventListener("keydown", (event) => this.onKey(event));
    document.addEventListener("pointerdown", (event) => this.leave(event.target), { signal, capture: true });
    document.addEventListener("focusin", (event) => this.leave(event.target), { signal });
    window.addEventListener("blur", () => this.leave(null), { signal });
  }

  lifted(card: HTMLElement, manner: Manner): void {
    if (manner !== "steps") return;
    const words: readonly (readonly [string, string])[] = [
      ["up", "Up"],
      ["down", "Down"],
      ["previous", ""],
      ["next", ""],
      ["drop", "Drop"],
      ["cancel", "Cancel"],
    ];
    this.row = make("div", "inlay-task-board__steps", { role: "group", "aria-label": `Move ${titleOf(card)}` });
    for (const [step, word] of words) {
      const button = make("button", "inlay-button", { type: "button", "data-step": step });
      if (step === "drop") button.dataset.look = "primary";
      button.textContent = word;
      this.row.append(button);
    }
    card.append(this.row);
    this.aimed(card);
  }

  aimed(card: HTMLElement): void {
    for (const button of this.row?.children ?? []) {
      const step = (button as HTMLElement).dataset.step as StepName | "drop" | "cancel";
      if (step === "drop" || step === "cancel") continue;
      const place = STEPS[step](this.board, card);
      button.setAttribute("aria-disabled", String(!place));
      if (step === "previous" || step === "next") nameColumnButton(this.board, button, place, step);
    }
  }

  ended(card: HTMLElement): void {
    const hadFocus = this.row?.contains(document.activeElement);
    this.row?.remove();
    this.row = null;
    if (hadFocus) handleOf(card)?.focus({ preventScroll: true });
  }

  private get card(): HTMLElement | null {
    return this.moves?.manner === "steps" ? this.moves.card : null;
  }

  private onClick({ target }: Event): void {
    const button = target instanceof Element ? target.closest<HTMLElement>("button") : null;
    const card = cardAround(this.board, button);
    if (!button || !card || !this.moves) return;
    if (button === handleOf(card)) {
      if (this.card === card) return void this.moves.drop();
      this.moves.start(card, "steps");
      this.moves.aimAt(placeOf(this.board, card));
      button.focus({ preventScroll: true }); // not every browser focuses what is pressed
      return;
    }
    const { step } = button.dataset;
    if (step === "drop") void this.moves.drop();
    else if (step === "cancel") this.moves.cancel();
    else if (step && step in STEPS) this.go(step as StepName);
  }

  private onKey(event: KeyboardEvent): void {
    if (!this.card?.contains(event.target as Node)) return;
    if (event.key === "Escape") this.moves?.cancel();
    else if (event.key in KEYS) this.go(this.stepOf(event.key));
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private stepOf(key: string): StepName {
    const step = KEYS[key] as StepName;
    return isRightToLeft(this.board) ? (MIRRORED[step] ?? step) : step;
  }

  private go(step: StepName): void {
    const place = this.card && STEPS[step](this.board, this.card);
    if (place) this.moves?.aimAt(place);
  }

  /** Whoever turns to something else does not mean the move any more. */
  private leave(target: EventTarget | null): void {
    if (this.card && !(target instanceof Node && this.card.contains(target))) this.moves?.cancel();
  }
}

function nameColumnButton(board: Board, button: Element, place: Place | null, step: StepName): void {
  const arrow = (step === "next") === isRightToLeft(board) ? "←" : "→";
  const name = place && listOf(board, place.column) ? nameOfColumn(board, place.column) : "";
  button.textContent = step === "next" ? `${name} ${arrow}` : `${arrow} ${name}`;
  button.setAttribute("aria-label", name ? `To ${name}` : `No ${step} column`);
}
