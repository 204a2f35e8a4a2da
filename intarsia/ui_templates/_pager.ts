/**
 * Shows as many items as fit the height of a widget inline, and lets users turn pages.
 *
 * Items are in a grid. A page holds whole rows, so that turning pages moves nothing else.
 */

import { around, pixels, setAll, setText } from "./_elements";
import type { Running, View } from "./view/behavior";

/** The position of an item, in CSS pixels. */
interface Box {
  readonly top: number;
  readonly bottom: number;
}

/** What is paged, and where. */
interface Paged {
  /** The widget. */
  readonly root: HTMLElement;
  /** Finds the element whose children are paged; an update may have replaced it. */
  readonly list: () => HTMLElement | null;
  readonly view: View;
}

/** The height of the row below the widget, in CSS pixels; see `shell.css`. A long message may need more than is reserved. */
export function heightOfFoot(root: HTMLElement): number {
  const foot = document.getElementById("intarsia-foot")?.offsetHeight ?? 0;
  return Math.max(pixels(root, "--intarsia-target") + 12, foot + 8);
}

/** Which page, counted from 0, holds a place. */
export function pageOf(starts: readonly number[], place: number): number {
  return Math.max(0, starts.filter((start) => start <= place).length - 1);
}

/** Runs the listener when the width or the context of the widget changes. Returns a function that stops it. */
export function watchRoom(root: HTMLElement, view: View, react: () => void): () => void {
  // Only the width: paging itself changes the height.
  const measure = (): string => `${root.clientWidth} ${heightOfFoot(root)}`;
  let before = measure();
  const observer = new ResizeObserver(() => {
    const now = measure();
    if (now === before) return;
    before = now;
    react();
  });
  observer.observe(root);
  const foot = document.getElementById("intarsia-foot");
  if (foot) observer.observe(foot);
  const forget = view.onContext(react);
  return () => {
    observer.disconnect();
    forget();
  };
}

/** Shows "1–4 of 7" between the two buttons of a pager, and disables those without a page. They keep the focus. */
export function fillPager(pager: Element, from: number, to: number, count: number): void {
  const [previous, place, next] = [...pager.children] as [Element, Element, Element];
  setText(place, `${to - from > 1 ? `${from + 1}–${to}` : to} of ${count}`); // a live region reads out every change
  setAll(previous, { "aria-disabled": String(!from) });
  setAll(next, { "aria-disabled": String(to === count) });
}

/** Splits items into pages of whole rows; a page is the index of its first item. */
function cutPages(boxes: readonly Box[], room: number): number[] {
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

/** The height of the tallest page. */
function highest(boxes: readonly Box[], starts: readonly number[]): number {
  const heights = starts.map((start, page) => {
    const shown = boxes.slice(start, starts[page + 1]);
    return Math.max(...shown.map(({ bottom }) => bottom)) - (shown[0]?.top ?? 0);
  });
  return Math.max(0, ...heights);
}

interface Pager extends Running {
  /** Measures again, and shows the page with the item that was first. */
  patched(): void;
  stop(): void;
}

/** Starts paging. The widget has an element `.intarsia-pager`, made by the macro `pager`. */
export function startPaging({ root, list, view }: Paged): Pager {
  let first = 0;
  let starts: number[] = [];

  const things = (): HTMLElement[] => [...(list()?.children ?? [])] as HTMLElement[];
  const nav = (): HTMLElement | null => root.querySelector<HTMLElement>(".intarsia-pager");

  function measure(): void {
    const [box, all, bar] = [list(), things(), nav()];
    starts = [0];
    if (!box || !bar) return;
    for (const thing of all) thing.hidden = false;
    box.style.minBlockSize = "";
    bar.hidden = true;
    const hasFoot = Boolean(document.getElementById("intarsia-foot")?.offsetHeight);
    const allowed = view.room() - (hasFoot ? 0 : heightOfFoot(root));
    if (all.length < 2 || document.body.offsetHeight <= allowed) return;
    bar.hidden = false;
    const room = allowed - (document.body.offsetHeight - box.offsetHeight);
    const boxes = all.map((thing) => ({ top: thing.offsetTop, bottom: thing.offsetTop + thing.offsetHeight }));
    starts = cutPages(boxes, room);
    box.style.minBlockSize = `${highest(boxes, starts)}px`; // so that turning pages moves nothing below
  }

  function show(): void {
    const [all, bar] = [things(), nav()];
    const page = pageOf(starts, first);
    const from = starts[page] ?? 0;
    const to = starts[page + 1] ?? all.length;
    all.forEach((thing, place) => (thing.hidden = place < from || place >= to));
    if (!bar) return;
    bar.hidden = starts.length < 2;
    (bar.children[1] as HTMLElement).style.minInlineSize = `${3 * String(all.length).length + 4}ch`; // on every page
    fillPager(bar, from, to, all.length);
    const full = bar.querySelector<HTMLElement>(".intarsia-pager__full");
    if (full) full.hidden = !view.context.displayModes.includes("fullscreen");
  }

  function turn(by: number): void {
    first = starts[pageOf(starts, first) + by] ?? first;
    show();
  }

  function fit(): void {
    measure();
    show();
  }

  function onClick(event: Event): void {
    const button = around(event.target, ".intarsia-pager button");
    if (!button) return;
    if (button.dataset.page) turn(button.dataset.page === "next" ? 1 : -1);
    else void view.requestDisplayMode("fullscreen");
  }

  const forget = watchRoom(root, view, fit);
  root.addEventListener("click", onClick);
  fit();

  return {
    patched: fit,
    stop() {
      forget();
      root.removeEventListener("click", onClick);
    },
  };
}
