/**
 * Shows as many of several things as fit the height that a widget has inline, and lets people turn the page.
 *
 * Things stand in a grid. A page holds whole rows, so that turning it moves nothing else.
 */

import type { Running, View } from "./view/behavior";

const INLINE_HEIGHT = 500;
const LEAST_HEIGHT = 240;

/** Where a thing stands, in CSS pixels. */
interface Box {
  readonly top: number;
  readonly bottom: number;
}

/** What is paged, and where. */
export interface Paged {
  /** The widget. */
  readonly root: HTMLElement;
  /** Finds the element whose children are paged; an answer may have put another in its place. */
  readonly list: () => HTMLElement | null;
  readonly view: View;
}

/** The height that the widget may take, in CSS pixels; without bound outside a chat. */
function allowedHeight({ context }: View): number {
  if (context.displayMode !== "inline") return Infinity;
  const { height, maxHeight } = context.containerDimensions;
  return Math.max(LEAST_HEIGHT, height ?? Math.min(INLINE_HEIGHT, maxHeight ?? INLINE_HEIGHT));
}

/** The room that a message will need below the widget, so that it pushes nothing out. */
function heightOfStatus(root: HTMLElement): number {
  const status = document.getElementById("inlay-status");
  if (status && status.offsetHeight > 0) return 0;
  return parseFloat(getComputedStyle(root).getPropertyValue("--inlay-target")) + 12;
}

/** Cuts things into pages of whole rows; each page is the place of its first thing. */
export function cutPages(boxes: readonly Box[], room: number): number[] {
  const pages: number[] = [];
  let pageTop = -Infinity;
  let rowStart = 0;
  boxes.forEach((box, place) => {
    if (place === 0 || box.top > (boxes[place - 1]?.top ?? 0)) rowStart = place;
    const isOnPage = pages.length > 0 && box.bottom - pageTop <= room;
    if (isOnPage || pages.at(-1) === rowStart) return;
    pages.push(rowStart);
    pageTop = boxes[rowStart]?.top ?? 0;
  });
  return pages;
}

/** The height of the highest page. */
function highest(boxes: readonly Box[], starts: readonly number[]): number {
  const heights = starts.map((start, page) => {
    const shown = boxes.slice(start, starts[page + 1]);
    return Math.max(...shown.map(({ bottom }) => bottom)) - (shown[0]?.top ?? 0);
  });
  return Math.max(0, ...heights);
}

export interface Pager extends Running {
  /** Measures anew and shows the page with the thing that came first on the last one. */
  patched(): void;
  stop(): void;
}

/** Starts paging. The widget has an element `.inlay-pager`, made by the macro `pager`. */
export function startPaging({ root, list, view }: Paged): Pager {
  let first = 0;
  let starts: number[] = [];
  let width = 0;

  const things = (): HTMLElement[] => [...(list()?.children ?? [])] as HTMLElement[];
  const nav = (): HTMLElement | null => root.querySelector<HTMLElement>(".inlay-pager");

  function measure(): void {
    const [box, all, bar] = [list(), things(), nav()];
    starts = [0];
    if (!box || !bar) return;
    for (const thing of all) thing.hidden = false;
    box.style.minBlockSize = "";
    bar.hidden = true;
    const allowed = allowedHeight(view) - heightOfStatus(root);
    if (all.length < 2 || document.body.offsetHeight <= allowed) return;
    bar.hidden = false;
    const room = allowed - (document.body.offsetHeight - box.offsetHeight);
    const boxes = all.map((thing) => ({ top: thing.offsetTop, bottom: thing.offsetTop + thing.offsetHeight }));
    starts = cutPages(boxes, room);
    box.style.minBlockSize = `${highest(boxes, starts)}px`; // so that turning a page moves nothing below
  }

  /** The page with what came first on the last one. */
  const pageNow = (): number => Math.max(0, starts.filter((start) => start <= first).length - 1);

  function show(): void {
    const [all, bar] = [things(), nav()];
    const page = pageNow();
    const from = starts[page] ?? 0;
    const to = starts[page + 1] ?? all.length;
    all.forEach((thing, place) => (thing.hidden = place < from || place >= to));
    if (!bar) return;
    bar.hidden = starts.length < 2;
    showPlace(bar.querySelector<HTMLElement>(".inlay-pager__place"), from, to, all.length);
    setDisabled(bar, "previous", page === 0);
    setDisabled(bar, "next", page === starts.length - 1);
    const full = bar.querySelector<HTMLElement>(".inlay-pager__full");
    if (full) full.hidden = !view.context.displayModes.includes("fullscreen");
  }

  function turn(by: number): void {
    first = starts[pageNow() + by] ?? first;
    show();
  }

  function fit(): void {
    measure();
    show();
  }

  function onClick(event: Event): void {
    const button = event.target instanceof Element ? event.target.closest<HTMLElement>(".inlay-pager button") : null;
    if (!button) return;
    if (button.dataset.page) turn(button.dataset.page === "next" ? 1 : -1);
    else void view.requestDisplayMode("fullscreen");
  }

  // Only the width: the height changes because of the paging itself.
  const watch = new ResizeObserver(() => {
    if (root.clientWidth === width) return;
    width = root.clientWidth;
    fit();
  });
  const forget = view.onContext(fit);
  root.addEventListener("click", onClick);
  watch.observe(root);
  fit();

  return {
    patched: fit,
    stop() {
      watch.disconnect();
      forget();
      root.removeEventListener("click", onClick);
    },
  };
}

/** Says "1–4 of 7", as wide on every page, and only when it is news: a live region reads out what it is told. */
function showPlace(element: HTMLElement | null, from: number, to: number, count: number): void {
  const words = `${to - from > 1 ? `${from + 1}–${to}` : to} of ${count}`;
  if (!element || element.textContent === words) return;
  element.textContent = words;
  element.style.minInlineSize = `${3 * String(count).length + 4}ch`;
}

/** A button that has nowhere left to go hands the focus to the other one; a disabled one would lose it. */
function setDisabled(bar: HTMLElement, page: string, isOff: boolean): void {
  const button = bar.querySelector<HTMLButtonElement>(`[data-page=${page}]`);
  if (!button) return;
  const other = bar.querySelector<HTMLButtonElement>(`[data-page]:not([data-page=${page}])`);
  if (isOff && document.activeElement === button && other) {
    other.disabled = false;
    other.focus();
  }
  button.disabled = isOff;
}
