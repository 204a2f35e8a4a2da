/** Fits the board into the available size: columns side by side or behind tabs, and as many cards as the height allows. */

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
  partOf,
  titleOf,
  totalOf,
} from "./board";
import { fillPager, heightOfFoot, pageOf } from "../_pager";
import { showTabs } from "./tabs";

const MIN_WIDTH_FOR_TWO_PX = 440;
const MIN_COLUMN_PX = 156;
/** No more cards fit on a page inline, so the others need no layout before the first paint. */
const MAX_CARDS_PER_PAGE = 16;

/** Updates everything that the behavior adds to the cards in the document. */
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

/** Lays out after the heights of cards may have changed. */
export function layOutAnew(board: Board): void {
  Object.assign(board, { heights: new WeakMap(), measured: null });
  layOut(board);
}

/** The last measurement, if it is still valid: measuring takes longer than everything else. */
function lastMeasured({ root, chosen, measured }: Board): Measured | null {
  // An update of the whole widget resets the columns: no tabs, and all of them shown.
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

/** Hides cards that cannot be on the first page, so that they need no layout before the first measurement. */
export function holdBack(board: Board): void {
  for (const list of listsOf(board)) for (const card of cardsIn(list).slice(MAX_CARDS_PER_PAGE)) card.hidden = true;
}

/** The cards up to the last one that the shown page can hold. */
function nearIn(board: Board, list: HTMLElement): HTMLElement[] {
  return cardsIn(list).slice(0, anchorOf(board, list) + MAX_CARDS_PER_PAGE);
}

/** Index of the card whose page is shown. */
function anchorOf(board: Board, list: HTMLElement): number {
  return Math.max(0, cardsIn(list).indexOf(board.pages.get(list) as HTMLElement));
}

/** Turns to the page of a card, and shows its column if that is behind a tab. */
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
  const most = width < MIN_WIDTH_FOR_TWO_PX ? 1 : Math.floor((width + gap) / (MIN_COLUMN_PX + gap));
  const chosen = board.chosen ? lists.indexOf(board.chosen) : 0;
  const first = Math.max(0, Math.min(chosen, lists.length - most));
  const shown = lists.slice(first, first + most);
  for (const list of lists) columnOf(list).hidden = !shown.includes(list);
  showTabs(board, lists, shown);
  return shown;
}

/** Counts in the document: a move is shown before the server has counted. */
function countCards(list: HTMLElement): void {
  const head = headOf(list);
  setText(head.querySelector("[data-count]") as Element, String(totalOf(list)));
  const warning = head.querySelector("p");
  if (warning) warning.hidden = totalOf(list) <= Number(head.dataset.limit);
}

function nameHandles(list: HTMLElement): void {
  const name = nameOf(list);
  const [{ above }, total] = [partOf(list), totalOf(list)];
  cardsIn(list).forEach((card, index) => {
    const handle = handleOf(card);
    if (handle) setAll(handle, { "aria-label": `Move ${titleOf(card)}, ${describePlace(above + index, total, name)}` });
  });
}

/** The height available to the columns, in pixels. */
function roomOf({ root, view }: Board): number {
  const room = view.room();
  if (room === Infinity) return room;
  const columns = root.querySelector<HTMLElement>(".intarsia-task-board__columns")?.offsetHeight ?? 0;
  const padding = pixels(document.body, "padding-top") + pixels(document.body, "padding-bottom");
  // The height of the row below is reserved from the start, so that a message moves no cards.
  return room - padding - heightOfFoot(root) - (root.offsetHeight - columns);
}

/** The height of the rest of the widget, above and below the board, in pixels. */
export function heightBeside(root: HTMLElement): number {
  const widget = outermost(root);
  // Reading a height forces a layout, which would cost more than all else after an update: a board alone needs none.
  return widget === root ? 0 : widget.offsetHeight - root.offsetHeight;
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

/** The height of a card. One that was not measured yet must be visible. */
function heightOf(board: Board, card: HTMLElement, columns: number): number {
  if (!isMeasured(board, card, columns)) {
    board.heights.set(card, { cause: causeOf(card, columns), pixels: card.offsetHeight });
  }
  return board.heights.get(card)?.pixels ?? 0;
}

/** Measures a list whose pager is visible, up to the page that is shown. Null when everything fits on one page. */
function fit(board: Board, list: HTMLElement, room: number, columns: number, near = nearIn(board, list)): Pages | null {
  const pager = pagerOf(list);
  const height = room - (columnOf(list).offsetHeight - list.offsetHeight);
  // Next to the row for a new card, the pager needs no height of its own.
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
  const isAll = room === Infinity || !moreOf(list);
  return isAll && heights.reduce((sum, each) => sum + each, -gap) <= height + alone ? null : { starts, height };
}

/** The index of the first card of each page. Every page has at least one card. */
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
  const { above } = partOf(list);
  fillPager(pager, above + first, above + end, totalOf(list));
  [before, after].forEach((start, at) => setGoal(pager.children[2 * at] as Element, list, at, cards[start ?? -1]));
}

// -- The pager in a column's foot --

/** By button: the first card of the page that it turns to. */
const goals = new WeakMap<Element, Element>();

function pagerOf(list: HTMLElement): HTMLElement {
  return columnOf(list).querySelector(".intarsia-pager") as HTMLElement;
}

/** Shows a pager with its whole content, so that it can be measured. */
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

/** Turns a column's page when a button of its pager was clicked. */
export function turnPage(board: Board, target: EventTarget | null): void {
  const button = around(target, "[data-turn]");
  const goal = button && goals.get(button);
  board.turning = null;
  if (goal?.isConnected) turnTo(board, goal);
  else if (button) fetchPage(board, button);
}

function turnTo(board: Board, goal: Element): void {
  show(board, goal);
  board.view.announce(pagerOf(listOf(goal)).children[1]?.textContent ?? "");
}

/** What shows more cards of a column, if not all are here. */
function moreOf(list: Element): HTMLElement | null {
  return columnOf(list).querySelector(":scope > .intarsia-more");
}

/** Asks the server for the cards beyond the last page, or before the first one. */
function fetchPage(board: Board, button: HTMLElement): void {
  const list = around<HTMLElement>(button, ".intarsia-task-board__column")?.querySelector("ol");
  if (!list || button.ariaDisabled === "true") return;
  const isNext = !button.nextElementSibling;
  const edge = isNext ? list.lastElementChild : list.firstElementChild;
  const buttons = [...(moreOf(list)?.querySelectorAll<HTMLElement>("button") ?? [])];
  (isNext ? buttons.at(-1) : buttons[0])?.click();
  if (edge) board.turning = { edge, isNext }; // after the click, at which this forgets the last one
}

/** Turns the page for which cards were fetched, once they are here. */
export function continueTurn(board: Board): void {
  const { edge, isNext } = board.turning ?? {};
  const goal = isNext ? edge?.nextElementSibling : edge?.previousElementSibling;
  if (!edge?.isConnected || !goal) return;
  board.turning = null;
  turnTo(board, goal);
}
