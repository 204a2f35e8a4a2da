/** Dragging by Pointer Events: a mouse takes the whole card, a finger or a pen its handle, so that pages still scroll. */

import {
  type Board,
  CARDS,
  type Place,
  cardAround,
  cardsIn,
  handleOf,
  idOfColumn,
  isSamePlace,
  listOf,
  listsOf,
  make,
  placeOf,
} from "./board";
import type { Moves } from "./moves";
import { columnOfTab } from "./tabs";

/** A hand is never quite still: below this many pixels a press stays a press. */
const THRESHOLD_PX = 5;
/** Resting this long over a tab or a pager presses it. */
const SPRING_MS = 400;
/** So far beside the board a card may be held and still be aimed at it. */
const MARGIN_PX = 40;
const EDGE_PX = 48;
const SPRINGS = "[role=tab],[data-turn]";

interface Press {
  readonly card: HTMLElement;
  readonly pointer: number;
  readonly x: number;
  readonly y: number;
}

export class Drag {
  private press: Press | null = null;
  private ghost: HTMLElement | null = null;
  private line: HTMLElement | null = null;
  private spring: Element | null = null;
  private springTimer = 0;
  private scrollFrame = 0;
  private point = { x: 0, y: 0 };
  private swallowsClick = false;

  constructor(
    private readonly board: Board,
    private readonly moves: Moves,
  ) {}

  listen(signal: AbortSignal): void {
    const { root } = this.board;
    root.addEventListener("pointerdown", (event) => this.onDown(event));
    root.addEventListener("click", (event) => this.onClick(event), true);
    root.addEventListener("contextmenu", (event) => this.ghost && event.preventDefault());
    document.addEventListener("pointermove", (event) => this.onMove(event), { signal });
    document.addEventListener("pointerup", (event) => this.onUp(event), { signal });
    document.addEventListener("pointercancel", (event) => this.isMine(event) && this.cancel(), { signal });
    document.addEventListener("keydown", (event) => this.onKey(event), { signal, capture: true });
    window.addEventListener("blur", () => this.cancel(), { signal });
  }

  cancel(): void {
    const isDragging = this.ghost !== null;
    this.clear();
    if (isDragging) this.moves.cancel();
  }

  private isMine({ pointerId }: PointerEvent): boolean {
    return this.press?.pointer === pointerId;
  }

  private onDown(event: PointerEvent): void {
    if (this.press || event.button !== 0) return;
    this.swallowsClick = false;
    const card = cardAround(this.board, event.target);
    const handle = card && handleOf(card);
    if (!card || !handle) return;
    const target = event.target as Element;
    const isOnControl = target.closest("button,input,a,select,textarea") !== null;
    const isGrabbed = target === handle || (event.pointerType === "mouse" && !isOnControl);
    if (!isGrabbed) return;
    this.press = { card, pointer: event.pointerId, x: event.clientX, y: event.clientY };
  }

  private onMove(event: PointerEvent): void {
    if (!this.press || !this.isMine(event)) return;
    const { x, y } = this.press;
    this.point = { x: event.clientX, y: event.clientY };
    if (!this.ghost) {
      if (Math.hypot(this.point.x - x, this.point.y - y) < THRESHOLD_PX) return;
      this.start(this.press);
    }
    if (this.ghost) this.ghost.style.translate = `${this.point.x - x}px ${this.point.y - y}px`;
    this.aim();
    this.scroll();
  }

  private start({ card, pointer }: Press): void {
    const { root } = this.board;
    this.moves.start(card, "pointer");
    root.setPointerCapture(pointer);
    getSelection()?.removeAllRanges();
    root.dataset.dragging = "";
    this.ghost = root.appendChild(ghostOf(card));
    this.line = root.appendChild(make("div", "inlay-task-board__line"));
  }

  private onUp(event: PointerEvent): void {
    if (!this.isMine(event)) return;
    const from = this.ghost?.getBoundingClientRect();
    const { card } = this.press as Press;
    this.swallowsClick = from !== undefined;
    this.clear();
    if (!from) return;
    void this.moves.drop();
    land(card, from);
  }

  /** A drag ends in a click where it began; that one means nothing. Keys and assistive technology click without a pointer. */
  private onClick(event: MouseEvent): void {
    if (this.swallowsClick && event.detail > 0) event.stopPropagation();
    this.swallowsClick = false;
  }

  private onKey(event: KeyboardEvent): void {
    if (!this.ghost) return;
    event.stopPropagation();
    if (event.key !== "Escape") return;
    event.preventDefault();
    this.swallowsClick = true;
    this.cancel();
  }

  private clear(): void {
    const { root } = this.board;
    if (this.press && root.hasPointerCapture(this.press.pointer)) root.releasePointerCapture(this.press.pointer);
    this.press = null;
    this.ghost?.remove();
    this.line?.remove();
    this.ghost = this.line = null;
    delete root.dataset.dragging;
    this.rest(null);
    cancelAnimationFrame(this.scrollFrame);
    this.scrollFrame = 0;
  }

  private aim(): void {
    const { x, y } = this.point;
    const target = document.elementFromPoint(x, y);
    const column = columnOfTab(this.board, target);
    this.rest(target?.closest(SPRINGS) ?? null);
    if (column === null) return this.aimAtPoint(x, y);
    const others = cardsIn(listOf(this.board, column) as HTMLElement).filter((card) => card !== this.press?.card);
    this.moves.aimAt({ column, index: others.length });
    this.drawLine(null, 0);
  }

  private aimAtPoint(x: number, y: number): void {
    const { root } = this.board;
    const list = isNear(root.getBoundingClientRect(), x, y) ? this.listAt(x) : null;
    if (!list) {
      this.moves.aimAt(null);
      return this.drawLine(null, 0);
    }
    const { place, at } = this.placeAt(list, y);
    this.moves.aimAt(place);
    const isHome = isSamePlace(place, placeOf(this.board, this.press?.card as HTMLElement));
    this.drawLine(isHome ? null : list, at);
  }

  /** The list that is nearest sideways. */
  private listAt(x: number): HTMLElement | null {
    let nearest: HTMLElement | null = null;
    let least = Infinity;
    for (const list of listsOf(this.board)) {
      if ((list.parentElement as HTMLElement).hidden) continue;
      const { left, right } = list.getBoundingClientRect();
      const distance = Math.max(left - x, x - right, 0);
      if (distance < least) [nearest, least] = [list, distance];
    }
    return nearest;
  }

  /** The gap between two cards that is nearest to a height, and where to draw it. */
  private placeAt(list: HTMLElement, y: number): { place: Place; at: number } {
    const column = idOfColumn(this.board, list);
    const others = cardsIn(list).filter((card) => card !== this.press?.card);
    const shown = others.filter((card) => !card.hidden);
    const next = shown.find((card) => y < middle(card));
    const last = shown.at(-1);
    const gap = (parseFloat(getComputedStyle(list).rowGap) || 0) / 2;
    if (next) return { place: { column, index: others.indexOf(next) }, at: next.getBoundingClientRect().top - gap };
    if (last) return { place: { column, index: others.indexOf(last) + 1 }, at: last.getBoundingClientRect().bottom + gap };
    const index = Math.max(0, this.press ? cardsIn(list).indexOf(this.press.card) : 0);
    return { place: { column, index }, at: list.getBoundingClientRect().top };
  }

  private drawLine(list: HTMLElement | null, y: number): void {
    if (!this.line) return;
    this.line.hidden = !list;
    if (!list) return;
    const root = this.board.root.getBoundingClientRect();
    const { left, width } = list.getBoundingClientRect();
    this.line.style.width = `${width}px`;
    this.line.style.translate = `${left - root.left}px ${Math.round(y - root.top) - 1}px`;
  }

  /** Presses what the pointer rests on, again and again, as long as it rests there. */
  private rest(spring: Element | null): void {
    if (spring === this.spring) return;
    this.spring?.removeAttribute("data-aimed");
    this.spring = spring;
    spring?.setAttribute("data-aimed", "");
    clearInterval(this.springTimer);
    if (!(spring instanceof HTMLElement)) return;
    this.springTimer = window.setInterval(() => {
      spring.click();
      this.aim();
    }, SPRING_MS);
  }

  /** Scrolls the page near its edges; only in fullscreen is there anything to scroll. */
  private scroll(): void {
    cancelAnimationFrame(this.scrollFrame);
    const { y } = this.point;
    const speed = y < EDGE_PX ? y - EDGE_PX : Math.max(0, y - innerHeight + EDGE_PX);
    const before = scrollY;
    if (!speed || this.board.view.context.displayMode !== "fullscreen") return;
    this.scrollFrame = requestAnimationFrame(() => {
      scrollBy(0, speed / 4);
      if (scrollY === before) return;
      this.aim();
      this.scroll();
    });
  }
}

function middle(card: Element): number {
  const { top, height } = card.getBoundingClientRect();
  return top + height / 2;
}

function isNear({ left, right, top, bottom }: DOMRect, x: number, y: number): boolean {
  return x > left - MARGIN_PX && x < right + MARGIN_PX && y > top - MARGIN_PX && y < bottom + MARGIN_PX;
}

/** What the pointer carries: the card's looks alone. */
function ghostOf(card: HTMLElement): HTMLElement {
  const { left, top, width, height } = card.getBoundingClientRect();
  const ghost = make("ol", `${CARDS.slice(1)} inlay-task-board__ghost`, { "aria-hidden": "true", inert: "" });
  const copy = card.cloneNode(true) as HTMLElement;
  for (const element of [copy, ...copy.querySelectorAll("[id]")]) element.removeAttribute("id");
  delete copy.dataset.lifted;
  Object.assign(ghost.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
  ghost.append(copy);
  return ghost;
}

/** Brings a card from where it was let go to where it is now. */
function land(card: HTMLElement, from: DOMRect): void {
  const to = card.getBoundingClientRect();
  if (!to.width || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const start = { transform: `translate(${from.left - to.left}px,${from.top - to.top}px)`, zIndex: 1, position: "relative" };
  card.animate([start, { transform: "none", zIndex: 1, position: "relative" }], { duration: 120, easing: "ease-out" });
}
