/** Fits the board into the room there is: columns beside each other or behind tabs, and as many cards as the height allows. */

import { type Board, cardsIn, describeCard, handleOf, idOfColumn, listOf, listsOf, make, nameOfColumn, titleOf } from "./board";
import { showTabs } from "./tabs";

const INLINE_HEIGHT = 500;
const ONE_COLUMN_BELOW = 560;
const NARROWEST_COLUMN = 156;

/** A column that is shown, with what is needed to fit its cards. */
interface Fitting {
  readonly id: string;
  readonly list: HTMLElement;
  readonly pager: HTMLElement | null;
  readonly cards: readonly HTMLElement[];
}

/** Brings all that the behavior adds in line with the cards that are there. Reads the layout twice at most. */
export function layOut(board: Board): void {
  const shown = showColumns(board);
  countCards(board);
  nameHandles(board);
  for (const { list, cards, pager } of shown) {
    list.style.minHeight = "";
    for (const card of cards) card.hidden = false;
    if (pager) openPager(pager);
  }
  const room = roomOf(board);
  const fits = shown.map((fitting) => (room === null ? null : measure(fitting, room)));
  shown.forEach((fitting, at) => showPage(board, fitting, fits[at] ?? null));
}

/** Turns a card's column to the page that it is on. The caller lays out. */
export function turnTo(board: Board, card: HTMLElement): void {
  if (card.parentElement) board.pages.set(idOfColumn(board, card.parentElement), card);
}

/** Shows the column of a card, if it is behind a tab. The caller lays out. */
export function showColumnOf(board: Board, card: HTMLElement): void {
  const list = card.parentElement;
  if (list?.parentElement?.hidden) board.column = idOfColumn(board, list);
}

/** Shows the last page of a column. The caller lays out. */
export function turnToEnd(board: Board, column: string): void {
  board.pages.set(column, listOf(board, column)?.lastElementChild as HTMLElement | undefined);
}

function showColumns(board: Board): Fitting[] {
  const lists = listsOf(board);
  const width = board.root.clientWidth;
  const gap = parseFloat(getComputedStyle(board.root).getPropertyValue("--gap")) || 0;
  const most = width < ONE_COLUMN_BELOW ? 1 : Math.floor((width + gap) / (NARROWEST_COLUMN + gap));
  const chosen = Math.max(0, lists.findIndex((list) => idOfColumn(board, list) === board.column));
  const first = Math.min(chosen, Math.max(0, lists.length - most));
  const shown = lists.slice(first, first + most);
  for (const list of lists) (list.parentElement as HTMLElement).hidden = !shown.includes(list);
  showTabs(board, lists, shown);
  return shown.map((list) => ({
    id: idOfColumn(board, list),
    list,
    pager: list.parentElement?.querySelector<HTMLElement>(".inlay-pager") ?? null,
    cards: cardsIn(list),
  }));
}

/** A move is shown before the server has counted. */
function countCards(board: Board): void {
  for (const list of listsOf(board)) {
    const head = document.getElementById(`${board.root.id}-top-${idOfColumn(board, list)}`);
    const count = head?.querySelector("[data-count]");
    const text = String(list.childElementCount);
    if (count && count.textContent !== text) count.textContent = text;
    const warning = head?.querySelector("p");
    if (warning) warning.hidden = list.childElementCount <= Number(head?.dataset.limit);
  }
}

function nameHandles(board: Board): void {
  for (const card of listsOf(board).flatMap(cardsIn)) {
    handleOf(card)?.setAttribute("aria-label", `Move ${titleOf(card)}, ${describeCard(board, card)}`);
  }
}

/** The height that the columns may take, in CSS pixels; null when there is no limit. */
function roomOf({ root, view }: Board): number | null {
  const { displayMode, containerDimensions } = view.context;
  if (displayMode === "fullscreen") return null;
  const { height = INLINE_HEIGHT, maxHeight = INLINE_HEIGHT } = containerDimensions;
  const columns = root.querySelector(".inlay-task-board__columns") as HTMLElement;
  const page = getComputedStyle(document.body);
  const padding = parseFloat(page.paddingBlockStart) + parseFloat(page.paddingBlockEnd);
  // The status line has its room from the start, so that the cards stay when it speaks.
  const status = parseFloat(getComputedStyle(root).getPropertyValue("--inlay-target")) + 12;
  const others = root.offsetHeight - columns.offsetHeight;
  return Math.min(INLINE_HEIGHT, height, maxHeight) - padding - status - others;
}

interface Fit {
  /** Index of the first card of each page. */
  readonly starts: readonly number[];
  readonly height: number;
}

function measure({ list, cards, pager }: Fitting, room: number): Fit | null {
  const column = list.parentElement as HTMLElement;
  const foot = column.offsetHeight - list.offsetHeight;
  // Beside the row for a new card, the pager takes no room of its own.
  const alone = pager?.nextElementSibling ? 0 : (pager?.parentElement?.offsetHeight ?? 0);
  const gap = parseFloat(getComputedStyle(list).rowGap) || 0;
  const heights = cards.map((card) => card.offsetHeight + gap);
  const whole = heights.reduce((sum, height) => sum + height, -gap);
  if (!pager || whole <= room - foot + alone) return null;
  return { starts: splitPages(heights, room - foot + gap), height: room - foot };
}

/** Index of the first card of each page. Every page holds a card at least. */
export function splitPages(heights: readonly number[], room: number): number[] {
  const starts = [0];
  let used = 0;
  heights.forEach((height, index) => {
    if (used > 0 && used + height > room) {
      starts.push(index);
      used = 0;
    }
    used += height;
  });
  return starts;
}

function showPage(board: Board, { id, list, pager, cards }: Fitting, fit: Fit | null): void {
  if (pager) pager.hidden = fit === null;
  if (!fit || !pager) return;
  const anchor = board.pages.get(id);
  const at = Math.max(0, anchor ? cards.indexOf(anchor) : 0);
  const page = fit.starts.filter((start) => start <= at).length - 1;
  const first = fit.starts[page] ?? 0;
  const end = fit.starts[page + 1] ?? cards.length;
  cards.forEach((card, index) => (card.hidden = index < first || index >= end));
  list.style.minHeight = `${fit.height}px`;
  fillPager(board, pager, id, `${first + 1}–${end} of ${cards.length}`, [
    cards[fit.starts[page - 1] ?? -1],
    cards[fit.starts[page + 1] ?? -1],
  ]);
}

/** What a press on a pager's buttons shows: the first card of that page. */
const targets = new WeakMap<Element, HTMLElement | undefined>();

function fillPager(board: Board, pager: HTMLElement, column: string, text: string, to: readonly (HTMLElement | undefined)[]): void {
  const [previous, label, next] = [...pager.children] as [HTMLElement, HTMLElement, HTMLElement];
  label.textContent = text;
  [previous, next].forEach((button, at) => {
    button.setAttribute("aria-label", `${at ? "Next" : "Previous"} cards in ${nameOfColumn(board, column)}`);
    button.setAttribute("aria-disabled", String(!to[at]));
    targets.set(button, to[at]);
  });
}

/** Shows a pager with all it will hold, so that it can be measured. */
function openPager(pager: HTMLElement): void {
  pager.hidden = false;
  if (pager.firstChild) return;
  for (const sign of ["‹", "", "›"]) {
    const attributes = { type: "button", "data-look": "quiet", "data-turn": "" };
    const part = sign ? make("button", "inlay-button", attributes) : make("span", "inlay-pager__place");
    part.textContent = sign || "1–1 of 1";
    pager.append(part);
  }
}

/** Turns a column's page when one of its pager's buttons was pressed. */
export function turnPage(board: Board, target: EventTarget | null): void {
  const button = target instanceof Element ? target.closest<HTMLElement>("[data-turn]") : null;
  const card = button && targets.get(button);
  if (!card?.parentElement) return;
  board.pages.set(idOfColumn(board, card.parentElement), card);
  layOut(board);
  board.view.announce(button?.parentElement?.querySelector("span")?.textContent ?? "");
}
