/** Dragging by Pointer Events: a mouse drags the whole card, a finger or a pen its handle, so that touch still scrolls. */

import { around, make, pixels } from "../_elements";
import {
  type Board,
  CARDS,
  type Place,
  cardAround,
  columnOf,
  handleOf,
  isSamePlace,
  listsOf,
  othersIn,
  placeOf,
} from "./board";
import type { Moves } from "./moves";
import { listOfTab } from "./tabs";

/** Below this many pixels a movement is still a click. */
const THRESHOLD_PX = 5;
/** Resting this long over a tab or a pager clicks it. */
const SPRING_MS = 400;
/** How far outside of the board a card can be and still be dropped on it. */
const MARGIN_PX = 40;
/** Within this distance of the window's edge, the page scrolls. */
const EDGE_PX = 48;
const LANDING_MS = 120;

interface Press {
  readonly card: HTMLElement;
  readonly pointer: number;
  readonly x: number;
  readonly y: number;
}

export class Drag {
  #press: Press | null = null;
  #ghost: HTMLElement | null = null;
  #line: HTMLElement | null = null;
  #spring: HTMLElement | null = null;
  #springTimer = 0;
  #scrollFrame = 0;
  #x = 0;
  #y = 0;
  #swallowsClick = false;
  readonly #board: Board;
  readonly #moves: Moves;

  constructor(board: Board, moves: Moves, signal: AbortSignal) {
    this.#board = board;
    this.#moves = moves;
    const { root } = board;
    root.addEventListener("pointerdown", (event) => this.#onDown(event));
    root.addEventListener("click", (event) => this.#onClick(event), true);
    root.addEventListener("contextmenu", (event) => this.#ghost && event.preventDefault());
    const mine = (type: "pointermove" | "pointerup" | "pointercancel", react: (event: PointerEvent) => void): void =>
      document.addEventListener(type, (event) => event.pointerId === this.#press?.pointer && react(event), { signal });
    mine("pointermove", (event) => this.#onMove(event));
    mine("pointerup", () => this.#onUp());
    mine("pointercancel", () => this.cancel());
    document.addEventListener("keydown", (event) => this.#onKey(event), { signal, capture: true });
    window.addEventListener("blur", () => this.cancel(), { signal });
  }

  cancel(): void {
    if (this.#clear()) this.#moves.cancel();
  }

  #onDown({ button, target, pointerType, pointerId: pointer, clientX: x, clientY: y }: PointerEvent): void {
    if (this.#press || button) return;
    this.#swallowsClick = false;
    const card = cardAround(target);
    const handle = card && handleOf(card);
    if (!handle) return;
    const takesCard = pointerType === "mouse" && !around(target, "button,input");
    if (takesCard || target === handle) this.#press = { card, pointer, x, y };
  }

  #onMove({ clientX, clientY }: PointerEvent): void {
    const { card, x, y, pointer } = this.#press as Press;
    [this.#x, this.#y] = [clientX, clientY];
    if (!this.#ghost) {
      if (Math.hypot(clientX - x, clientY - y) < THRESHOLD_PX) return;
      this.#start(card, pointer);
    }
    if (this.#ghost) this.#ghost.style.translate = `${clientX - x}px ${clientY - y}px`;
    this.#aim();
    this.#scroll();
  }

  #start(card: HTMLElement, pointer: number): void {
    const { root } = this.#board;
    this.#moves.start(card, "pointer");
    root.setPointerCapture(pointer);
    getSelection()?.removeAllRanges();
    root.dataset.dragging = "";
    this.#ghost = root.appendChild(ghostOf(card));
    this.#line = root.appendChild(make("div", "intarsia-task-board__line"));
  }

  #onUp(): void {
    const { card } = this.#press as Press;
    const from = this.#clear();
    if (!from) return;
    void this.#moves.drop();
    land(card, from);
  }

  /** Ignores the click at the end of a drag. Keys and assistive technology click without a pointer, so `detail` is 0. */
  #onClick(event: MouseEvent): void {
    if (this.#swallowsClick && event.detail) event.stopPropagation();
    this.#swallowsClick = false;
  }

  #onKey(event: KeyboardEvent): void {
    if (!this.#ghost) return;
    event.stopPropagation();
    if (event.key === "Escape") this.cancel();
  }

  /** Removes what a drag shows, and returns where the card was; undefined when there was no drag. */
  #clear(): DOMRect | undefined {
    const from = this.#ghost?.getBoundingClientRect();
    this.#swallowsClick ||= Boolean(from);
    this.#press = null;
    this.#ghost?.remove();
    this.#line?.remove();
    this.#ghost = this.#line = null;
    delete this.#board.root.dataset.dragging;
    this.#rest(null);
    cancelAnimationFrame(this.#scrollFrame);
    return from;
  }

  #aim(): void {
    const card = this.#press?.card as HTMLElement;
    const line = this.#line as HTMLElement;
    const target = document.elementFromPoint(this.#x, this.#y);
    this.#rest(around(target, "[role=tab],[data-turn]"));
    const tabbed = listOfTab(this.#board, target);
    const list = tabbed ?? this.#listHere();
    const place = list && this.#placeIn(list, card, line);
    this.#moves.aimAt(tabbed ? { list: tabbed, index: othersIn(tabbed, card).length } : place);
    line.hidden = Boolean(tabbed) || !place || isSamePlace(place, placeOf(card));
  }

  /** The list that is horizontally nearest, unless the pointer is outside of the board. */
  #listHere(): HTMLElement | null {
    const beside = ({ left, right }: DOMRect): number => Math.max(left - this.#x, this.#x - right, 0);
    const board = this.#board.root.getBoundingClientRect();
    const above = Math.max(board.top - this.#y, this.#y - board.bottom);
    if (Math.max(above, beside(board)) > MARGIN_PX) return null;
    const distance = (list: Element): number => beside(list.getBoundingClientRect());
    const shown = listsOf(this.#board).filter((list) => !columnOf(list).hidden);
    return shown.reduce((nearest, list) => (distance(list) < distance(nearest) ? list : nearest));
  }

  /** The gap between two cards that is nearest to the pointer; the line is drawn there. */
  #placeIn(list: HTMLElement, card: HTMLElement, line: HTMLElement): Place {
    const others = othersIn(list, card);
    const shown = others.filter((other) => !other.hidden);
    const next = shown.find((other) => this.#y < middle(other));
    const last = shown.at(-1);
    const box = list.getBoundingClientRect();
    const root = this.#board.root.getBoundingClientRect();
    const gap = pixels(list, "row-gap") / 2;
    const y = next ? next.getBoundingClientRect().top - gap : last ? last.getBoundingClientRect().bottom + gap : box.top;
    line.style.width = `${box.width}px`;
    line.style.translate = `${box.left - root.left}px ${Math.round(y - root.top) - 1}px`;
    if (next) return { list, index: others.indexOf(next) };
    const home = placeOf(card);
    return !last && home.list === list ? home : { list, index: last ? others.indexOf(last) + 1 : 0 };
  }

  /** Clicks what the pointer rests on, repeatedly, while it rests there. */
  #rest(spring: HTMLElement | null): void {
    if (spring === this.#spring) return;
    this.#spring?.removeAttribute("data-aimed");
    spring?.setAttribute("data-aimed", "");
    this.#spring = spring;
    clearInterval(this.#springTimer);
    if (!spring) return;
    this.#springTimer = window.setInterval(() => {
      spring.click();
      this.#aim();
    }, SPRING_MS);
  }

  /** Scrolls the page near its edges; it can only scroll in fullscreen. */
  #scroll(): void {
    cancelAnimationFrame(this.#scrollFrame);
    const speed = Math.min(0, this.#y - EDGE_PX) + Math.max(0, this.#y - innerHeight + EDGE_PX);
    if (!speed || this.#board.view.context.displayMode !== "fullscreen") return;
    this.#scrollFrame = requestAnimationFrame(() => {
      const before = scrollY;
      scrollBy(0, speed / 4);
      if (scrollY === before) return;
      this.#aim();
      this.#scroll();
    });
  }
}

function middle(card: HTMLElement): number {
  return card.getBoundingClientRect().top + card.offsetHeight / 2;
}

/** The image that the pointer carries: a copy of the card without its functions. */
function ghostOf(card: HTMLElement): HTMLElement {
  const { left, top, width, height } = card.getBoundingClientRect();
  const ghost = make("ol", `${CARDS} intarsia-task-board__ghost`, { "aria-hidden": "true", inert: "" });
  Object.assign(ghost.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
  const copy = card.cloneNode(true) as HTMLElement;
  copy.removeAttribute("id");
  delete copy.dataset.lifted;
  ghost.append(copy);
  return ghost;
}

/** Animates a card from where it was dropped to where it is now. */
function land(card: HTMLElement, from: DOMRect): void {
  const to = card.getBoundingClientRect();
  if (!to.width || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const start = { translate: `${from.left - to.left}px ${from.top - to.top}px`, zIndex: 1 };
  card.animate([start, { translate: "0 0", zIndex: 1 }], { duration: LANDING_MS, easing: "ease-out" });
}
