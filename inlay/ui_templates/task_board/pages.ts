/** Fits the board into the room there is: columns beside each other or behind tabs, and as many cards as the height allows. */

import {
  type Board,
  around,
  cardsIn,
  columnOf,
  describe,
  handleOf,
  headOf,
  listOf,
  listsOf,
  make,
  nameOf,
  pixels,
  setAll,
  titleOf,
} from "./board";
import { showTabs } from "./tabs";

const INLINE_HEIGHT = 500;
const ONE_COLUMN_BELOW = 560;
const NARROWEST_COLUMN = 156;
/** Between the widget and the line below it; see `shell.css`. */
const STATUS_MARGIN = 12;

interface Fit {
  /** Index of the first card of each page. */
  readonly starts: readonly number[];
  /** Pixels that every page takes, so that turning it moves nothing. */
  readonly height: number;
}

/** Brings all that the behavior adds in line with the cards that are there. */
export function layOut(board: Board): void {
  const shown = showColumns(board);
  for (const list of listsOf(board)) {
    countCards(list);
    nameHandles(list);
  }
  for (const list of shown) {
    list.style.minHeight = "";
    for (const card of cardsIn(list)) card.hidden = false;
    openPager(list);
  }
  const room = roomOf(board);
  const fits = shown.map((list) => fit(list, room));
  shown.forEach((list, at) => showPage(board, list, fits[at] as Fit | null));
}

/** Turns to the page that a card is on, and shows its column if that is behind a tab. */
export function show(board: Board, card: Element): void {
  const list = listOf(card);
  board.pages.set(list, card);
  if (columnOf(list).hidden) board.chosen = list;
  layOut(board);
}

function showColumns(board: Board): HTMLElement[] {
  const lists = listsOf(board);
  const width = board.root.clientWidth;
  const gap = pixels(board.root, "--gap");
  const most = width < ONE_COLUMN_BELOW ? 1 : Math.floor((width + gap) / (NARROWEST_COLUMN + gap));
  const chosen = board.chosen ? lists.indexOf(board.chosen) : 0;
  const first = Math.max(0, Math.min(chosen, lists.length - most));
  const shown = lists.slice(first, first + most);
  for (const list of lists) columnOf(list).hidden = !shown.includes(list);
  showTabs(board, lists, shown);
  return shown;
}

/** A move is shown before the server has counted. */
function countCards(list: HTMLElement): void {
  const head = headOf(list);
  (head.querySelector("[data-count]") as Element).textContent = String(list.childElementCount);
  const warning = head.querySelector("p");
  if (warning) warning.hidden = list.childElementCount <= Number(head.dataset.limit);
}

function nameHandles(list: HTMLElement): void {
  for (const card of cardsIn(list)) handleOf(card)?.setAttribute("aria-label", `Move ${titleOf(card)}, ${describe(card)}`);
}

/** The height that the columns may take, in pixels. */
function roomOf({ root, view }: Board): number {
  const { displayMode, containerDimensions } = view.context;
  if (displayMode === "fullscreen") return Infinity;
  const { height = INLINE_HEIGHT, maxHeight = INLINE_HEIGHT } = containerDimensions;
  const columns = root.querySelector<HTMLElement>(".inlay-task-board__columns")?.offsetHeight ?? 0;
  const padding = pixels(document.body, "padding-top") + pixels(document.body, "padding-bottom");
  // The status line has its room from the start, so that the cards stay when it speaks.
  const status = pixels(root, "--inlay-target") + STATUS_MARGIN;
  return Math.min(INLINE_HEIGHT, height, maxHeight) - padding - status - (root.offsetHeight - columns);
}

/** Measures a list that shows all its cards and its pager. Null when everything fits on one page. */
function fit(list: HTMLElement, room: number): Fit | null {
  const pager = pagerOf(list);
  const height = room - (columnOf(list).offsetHeight - list.offsetHeight);
  // Beside the row for a new card, the pager takes no room of its own.
  const alone = pager.nextElementSibling ? 0 : columnOf(pager).offsetHeight;
  if (list.offsetHeight <= height + alone) return null;
  const gap = pixels(list, "row-gap");
  return { starts: splitPages(cardsIn(list).map((card) => card.offsetHeight + gap), height + gap), height };
}

/** Index of the first card of each page. Every page holds a card at least. */
function splitPages(heights: readonly number[], room: number): number[] {
  const starts = [0];
  let used = 0;
  heights.forEach((height, index) => {
    if (used && used + height > room) {
      starts.push(index);
      used = 0;
    }
    used += height;
  });
  return starts;
}

function showPage(board: Board, list: HTMLElement, pages: Fit | null): void {
  const pager = pagerOf(list);
  pager.hidden = !pages;
  if (!pages) return;
  const cards = cardsIn(list);
  const anchor = board.pages.get(list);
  const at = cards.findIndex((card) => card === anchor);
  const page = Math.max(0, pages.starts.filter((start) => start <= at).length - 1);
  const [before, first = 0, after] = [page - 1, page, page + 1].map((each) => pages.starts[each]);
  const end = after ?? cards.length;
  cards.forEach((card, index) => (card.hidden = index < first || index >= end));
  list.style.minHeight = `${pages.height}px`;
  fillPager(pager, list, `${first + 1}–${end} of ${cards.length}`, [before, after]);
}

// -- The pager in a column's foot --

/** By button: the first card of the page that a press on it shows. */
const goals = new WeakMap<Element, Element>();

function pagerOf(list: HTMLElement): HTMLElement {
  return columnOf(list).querySelector(".inlay-pager") as HTMLElement;
}

/** Shows a pager with all it will hold, so that it can be measured. */
function openPager(list: HTMLElement): void {
  const pager = pagerOf(list);
  pager.hidden = false;
  if (pager.firstChild) return;
  for (const sign of "‹ ›") {
    const button = { type: "button", "data-look": "quiet", "data-turn": "" };
    const part = sign === " " ? make("span", "inlay-pager__place") : make("button", "inlay-button", button);
    part.textContent = sign;
    pager.append(part);
  }
}

function fillPager(pager: HTMLElement, list: HTMLElement, text: string, starts: readonly (number | undefined)[]): void {
  const [previous, place, next] = [...pager.children] as [Element, Element, Element];
  place.textContent = text;
  [previous, next].forEach((button, at) => {
    const goal = list.children[starts[at] ?? -1];
    setAll(button, { "aria-label": `${at ? "Next" : "Previous"} cards in ${nameOf(list)}`, "aria-disabled": String(!goal) });
    if (goal) goals.set(button, goal);
    else goals.delete(button);
  });
}

/** Turns a column's page when one of its pager's buttons was pressed. */
export function turnPage(board: Board, target: EventTarget | null): void {
  const button = around(target, "[data-turn]");
  const goal = button && goals.get(button);
  if (!goal?.isConnected) return;
  show(board, goal);
  board.view.announce(pagerOf(listOf(goal)).children[1]?.textContent ?? "");
}
