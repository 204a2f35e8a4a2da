/** Fits the board into the room there is: columns beside each other or behind tabs, and as many cards as the height allows. */

import { around, make, pixels, setAll, setText } from "../_elements";
import {
  type Board,
  type Measured,
  type Pages,
  cardsIn,
  columnOf,
  describePlace,
  handleOf,
  headOf,
  listOf,
  listsOf,
  nameOf,
  titleOf,
} from "./board";
import { fillPager, heightOfFoot, INLINE_HEIGHT, pageOf } from "../_paging";
import { showTabs } from "./tabs";

const ONE_COLUMN_BELOW = 560;
const MIN_COLUMN_WIDTH = 156;
/** No more cards fit on a page inline, so that those behind need not be laid out before people see the board. */
const MAX_PER_PAGE = 9;

/** Brings all that the behavior adds in line with the cards that are there. */
export function layOut(board: Board): void {
  for (const list of listsOf(board)) {
    countCards(list);
    nameHandles(list);
  }
  const { shown } = lastMeasured(board) ?? measure(board);
  for (const [list, pages] of shown) showPage(board, list, pages);
  const { root, chosen } = board;
  board.measured = { text: root.textContent, tabs: root.dataset.tabs, beside: heightBeside(root), chosen, shown };
}

/** Lays out when cards may be of other heights than they were. */
export function layOutAnew(board: Board): void {
  Object.assign(board, { heights: new WeakMap(), measured: null });
  layOut(board);
}

/** What was measured before, if nothing has changed that could make it untrue: measuring takes longer than all else. */
function lastMeasured({ root, chosen, measured }: Board): Measured | null {
  // An answer with the whole widget brings the columns as they came first: without tabs, and all of them shown.
  const isAsItWas = measured?.tabs === root.dataset.tabs && measured?.beside === heightBeside(root);
  const isTrue = isAsItWas && measured?.text === root.textContent && measured?.chosen === chosen;
  return isTrue && [...(measured?.shown.keys() ?? [])].every((list) => list.isConnected) ? measured : null;
}

function measure(board: Board): Pick<Measured, "shown"> {
  const lists = showColumns(board);
  for (const list of lists) {
    bare(board, nearIn(board, list), lists.length);
    openPager(list);
  }
  const room = roomOf(board) - heightBeside(board.root);
  return { shown: new Map(lists.map((list) => [list, fit(board, list, room, lists.length)])) };
}

/** Shows cards that were not measured yet. */
function bare(board: Board, cards: readonly HTMLElement[], columns: number): void {
  for (const card of cards) if (!isMeasured(board, card, columns)) card.hidden = false;
}

/** Keeps cards that are on no page near the first from being laid out before anything was measured. */
export function holdBack(board: Board): void {
  for (const list of listsOf(board)) for (const card of cardsIn(list).slice(MAX_PER_PAGE)) card.hidden = true;
}

/** The cards up to those that the page which is shown can hold at most. */
function nearIn(board: Board, list: HTMLElement): HTMLElement[] {
  return cardsIn(list).slice(0, anchorOf(board, list) + MAX_PER_PAGE);
}

/** Index of the card whose page is shown. */
function anchorOf(board: Board, list: HTMLElement): number {
  return Math.max(0, cardsIn(list).indexOf(board.pages.get(list) as HTMLElement));
}

/** Turns to the page that a card is on, and shows its column if that is behind a tab. */
export function show(board: Board, card: Element): void {
  const list = listOf(card);
  board.pages.set(list, card);
  if (columnOf(list).hidden) board.chosen = list;
  board.measured = null;
  layOut(board);
}

function showColumns(board: Board): HTMLElement[] {
  const lists = listsOf(board);
  const width = board.root.clientWidth;
  const gap = pixels(board.root, "--gap");
  const most = width < ONE_COLUMN_BELOW ? 1 : Math.floor((width + gap) / (MIN_COLUMN_WIDTH + gap));
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
  setText(head.querySelector("[data-count]") as Element, String(list.childElementCount));
  const warning = head.querySelector("p");
  if (warning) warning.hidden = list.childElementCount <= Number(head.dataset.limit);
}

function nameHandles(list: HTMLElement): void {
  const name = nameOf(list);
  cardsIn(list).forEach((card, index, { length }) => {
    const handle = handleOf(card);
    if (handle) setAll(handle, { "aria-label": `Move ${titleOf(card)}, ${describePlace(index, length, name)}` });
  });
}

/** The height that the columns may take, in pixels. */
function roomOf({ root, view }: Board): number {
  const { displayMode, containerDimensions } = view.context;
  if (displayMode === "fullscreen") return Infinity;
  const { height = INLINE_HEIGHT, maxHeight = INLINE_HEIGHT } = containerDimensions;
  const columns = root.querySelector<HTMLElement>(".intarsia-task-board__columns")?.offsetHeight ?? 0;
  const padding = pixels(document.body, "padding-top") + pixels(document.body, "padding-bottom");
  // The row below has its room from the start, so that the cards stay when a message comes.
  return Math.min(INLINE_HEIGHT, height, maxHeight) - padding - heightOfFoot(root) - (root.offsetHeight - columns);
}

/** The height of what stands above and below the board in the same widget, in pixels. */
export function heightBeside(root: HTMLElement): number {
  return outermost(root).offsetHeight - root.offsetHeight;
}

/** The widget that the board is in, or the board itself. */
export function outermost(root: HTMLElement): HTMLElement {
  return root.closest<HTMLElement>("main > *") ?? root;
}

function isMeasured({ heights }: Board, card: HTMLElement, columns: number): boolean {
  return heights.get(card)?.cause === causeOf(card, columns);
}

function causeOf(card: HTMLElement, columns: number): string {
  return `${columns} ${card.textContent}`;
}

/** How high a card is. One that was not measured yet must be shown. */
function heightOf(board: Board, card: HTMLElement, columns: number): number {
  if (!isMeasured(board, card, columns)) {
    board.heights.set(card, { cause: causeOf(card, columns), pixels: card.offsetHeight });
  }
  return board.heights.get(card)?.pixels ?? 0;
}

/** Measures a list that shows its pager, up to the page that is shown. Null when everything fits on one page. */
function fit(board: Board, list: HTMLElement, room: number, columns: number, near = nearIn(board, list)): Pages | null {
  const pager = pagerOf(list);
  const height = room - (columnOf(list).offsetHeight - list.offsetHeight);
  // Beside the row for a new card, the pager takes no room of its own.
  const alone = pager.nextElementSibling ? 0 : columnOf(pager).offsetHeight;
  const gap = pixels(list, "row-gap");
  const heights = near.map((card) => heightOf(board, card, columns) + gap);
  const starts = splitPages(heights, height + gap);
  const cards = cardsIn(list);
  if (near.length < cards.length) {
    if ((starts.at(-1) as number) > anchorOf(board, list)) return { starts, height };
    bare(board, cards, columns);
    return fit(board, list, room, columns, cards);
  }
  return heights.reduce((sum, each) => sum + each, -gap) <= height + alone ? null : { starts, height };
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

function showPage(board: Board, list: HTMLElement, pages: Pages | null): void {
  const pager = pagerOf(list);
  const cards = cardsIn(list);
  pager.hidden = !pages;
  list.style.minHeight = pages ? `${pages.height}px` : "";
  if (!pages) return cards.forEach((card) => (card.hidden = false));
  const page = pageOf(pages.starts, anchorOf(board, list));
  const [before, first = 0, after] = [page - 1, page, page + 1].map((each) => pages.starts[each]);
  const end = after ?? cards.length;
  cards.forEach((card, index) => {
    const isElsewhere = index < first || index >= end;
    if (card.hidden !== isElsewhere) card.hidden = isElsewhere;
  });
  fillPager(pager, first, end, cards.length);
  [before, after].forEach((start, at) => setGoal(pager.children[2 * at] as Element, list, at, cards[start ?? -1]));
}

// -- The pager in a column's foot --

/** By button: the first card of the page that a press on it shows. */
const goals = new WeakMap<Element, Element>();

function pagerOf(list: HTMLElement): HTMLElement {
  return columnOf(list).querySelector(".intarsia-pager") as HTMLElement;
}

/** Shows a pager with all it will hold, so that it can be measured. */
function openPager(list: HTMLElement): void {
  const pager = pagerOf(list);
  pager.hidden = false;
  if (pager.firstChild) return;
  for (const sign of "‹ ›") {
    const button = { "data-variant": "quiet", "data-turn": "" };
    const part = sign === " " ? make("span", "intarsia-pager__place") : make("button", "intarsia-button", button);
    part.textContent = sign;
    pager.append(part);
  }
}

function setGoal(button: Element, list: HTMLElement, at: number, goal: Element | undefined): void {
  setAll(button, { "aria-label": `${at ? "Next" : "Previous"} cards in ${nameOf(list)}` });
  if (goal) goals.set(button, goal);
  else goals.delete(button);
}

/** Turns a column's page when one of its pager's buttons was pressed. */
export function turnPage(board: Board, target: EventTarget | null): void {
  const button = around(target, "[data-turn]");
  const goal = button && goals.get(button);
  if (!goal?.isConnected) return;
  show(board, goal);
  board.view.announce(pagerOf(listOf(goal)).children[1]?.textContent ?? "");
}
