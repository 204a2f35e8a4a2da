/** The board in the document: columns, cards and their places. Knows no gestures and no actions. */

import { around } from "../_elements";
import type { View } from "../view/behavior";

/** A place in a column; the index counts from 0, without the card that is put there. */
export interface Place {
  readonly list: HTMLElement;
  readonly index: number;
}

export interface Height {
  /** What the height depends on: the text, and the number of columns. */
  readonly cause: string;
  readonly pixels: number;
}

/** How the board fits into the available size. */
export interface Measured {
  readonly text: string | null;
  /** The root's `data-tabs`, and the height of the rest of the widget. */
  readonly tabs: string | undefined;
  readonly beside: number;
  readonly chosen: HTMLElement | undefined;
  /** The lists that are shown, each with its pages; null for a list that fits on one. */
  readonly shown: ReadonlyMap<HTMLElement, Pages | null>;
}

export interface Pages {
  /** Index of the first card of each page. */
  readonly starts: readonly number[];
  /** The height of every page in pixels, so that turning pages moves nothing. */
  readonly height: number;
}

export interface Board {
  readonly root: HTMLElement;
  readonly view: View;
  /** The list of the chosen tab; it is shown first where possible. */
  chosen: HTMLElement | undefined;
  /** By list: a card on the page that is shown. */
  readonly pages: WeakMap<HTMLElement, Element>;
  /** By card: its height, so that a card on another page need not be shown to be measured. */
  heights: WeakMap<Element, Height>;
  /** The card beyond which a page was asked for, and on which side. */
  turning: { readonly edge: Element; readonly isNext: boolean } | null;
  /** The last measurement. It is valid while all text and the chosen column stay. */
  measured: Measured | null;
}

export const CARDS = "intarsia-task-board__cards";

export function listsOf({ root }: Board): HTMLElement[] {
  return [...root.querySelectorAll<HTMLElement>(".intarsia-task-board__column > ol")];
}

export function cardsIn(list: Element): HTMLElement[] {
  return [...list.children] as HTMLElement[];
}

/** All cards of a list except one. */
export function othersIn(list: Element, card: Element): HTMLElement[] {
  return cardsIn(list).filter((other) => other !== card);
}

export function listOf(card: Element): HTMLElement {
  return card.parentElement as HTMLElement;
}

export function columnOf(list: Element): HTMLElement {
  return list.parentElement as HTMLElement;
}

export function cardAround(target: EventTarget | null): HTMLElement | null {
  return around(target, `.${CARDS} > li`);
}

export function handleOf(card: Element): HTMLElement | null {
  return card.querySelector(":scope > button");
}

export function idOfCard({ root }: Board, card: Element): string {
  return card.id.slice(`${root.id}-card-`.length);
}

export function idOfColumn({ root }: Board, list: Element): string {
  return list.id.slice(`${root.id}-cards-`.length);
}

/** The head of a column. */
export function headOf(list: Element): HTMLElement {
  return columnOf(list).querySelector("header") as HTMLElement;
}

export function nameOf(list: Element): string {
  return headOf(list).querySelector("h3")?.textContent ?? "";
}

export function titleOf(card: Element): string {
  return card.querySelector("p")?.textContent ?? "";
}

/** Which part of a column's cards is here: how many are above it, and how many are not here at all. */
export function partOf(list: Element): { readonly above: number; readonly elsewhere: number } {
  const { from, beyond } = (headOf(list).querySelector("[data-count]") as HTMLElement).dataset;
  return { above: Number(from ?? 0), elsewhere: Number(beyond ?? 0) };
}

/** The number of cards of a column, with those that are not here. */
export function totalOf(list: Element): number {
  return list.childElementCount + partOf(list).elsewhere;
}

export function placeOf(card: HTMLElement): Place {
  const list = listOf(card);
  return { list, index: cardsIn(list).indexOf(card) };
}

export function isSamePlace(one: Place, other: Place): boolean {
  return one.list === other.list && one.index === other.index;
}

/** Moves a card to a place; past the end is the end. The focus in it stays. */
export function putCard(card: HTMLElement, { list, index }: Place): void {
  const before = othersIn(list, card)[index] ?? null;
  if (listOf(card) === list && card.nextElementSibling === before) return;
  keepFocus(card, () => list.insertBefore(card, before));
}

/** Makes a change, and restores the focus inside a card. */
export function keepFocus(card: Element, change: () => void): void {
  const { activeElement } = document;
  const focused = card.contains(activeElement) ? (activeElement as HTMLElement) : null;
  change();
  focused?.focus({ preventScroll: true });
}

/** "2 of 5 in To do" */
export function describe(card: HTMLElement): string {
  const { list, index } = placeOf(card);
  return describePlace(partOf(list).above + index, totalOf(list), nameOf(list));
}

export function describePlace(index: number, count: number, name: string): string {
  return `${index + 1} of ${count} in ${name}`;
}

export function isRightToLeft({ root }: Board): boolean {
  return getComputedStyle(root).direction === "rtl";
}
