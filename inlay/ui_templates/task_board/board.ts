/** The board as it stands in the document: columns, cards, and where a card is. Knows no gestures and no actions. */

import type { View } from "../view/behavior";

/** A place in a column; the index is counted from 0, without the card that is put there. */
export interface Place {
  readonly column: string;
  readonly index: number;
}

export interface Board {
  readonly root: HTMLElement;
  readonly view: View;
  /** The column that the tabs have chosen, or the first of those beside each other. */
  column: string;
  /** By column: a card that is on the page that is shown. */
  readonly pages: Map<string, HTMLElement | undefined>;
}

export const CARDS = ".inlay-task-board__cards";
const CARD = `${CARDS} > li`;

export function listsOf({ root }: Board): HTMLElement[] {
  return [...root.querySelectorAll<HTMLElement>(CARDS)];
}

export function cardsIn(list: Element): HTMLElement[] {
  return [...list.children] as HTMLElement[];
}

/** The card around something, if it is in this board. */
export function cardAround({ root }: Board, target: EventTarget | null): HTMLElement | null {
  const card = target instanceof Element ? target.closest<HTMLElement>(CARD) : null;
  return card && root.contains(card) ? card : null;
}

export function handleOf(card: Element): HTMLButtonElement | null {
  return card.querySelector<HTMLButtonElement>(":scope > button");
}

export function idOfCard({ root }: Board, card: Element): string {
  return card.id.slice(`${root.id}-card-`.length);
}

export function idOfColumn({ root }: Board, list: Element): string {
  return list.id.slice(`${root.id}-cards-`.length);
}

export function listOf({ root }: Board, column: string): HTMLElement | null {
  return document.getElementById(`${root.id}-cards-${column}`);
}

export function nameOfColumn({ root }: Board, column: string): string {
  return document.getElementById(`${root.id}-name-${column}`)?.textContent ?? column;
}

export function titleOf(card: Element): string {
  return card.querySelector(":scope > p")?.textContent ?? "";
}

export function placeOf(board: Board, card: HTMLElement): Place {
  const list = card.parentElement as HTMLElement;
  return { column: idOfColumn(board, list), index: cardsIn(list).indexOf(card) };
}

export function isSamePlace(one: Place, other: Place): boolean {
  return one.column === other.column && one.index === other.index;
}

/** Puts a card somewhere; past the end is the end. What had the focus in it keeps it. */
export function putCard(board: Board, card: HTMLElement, { column, index }: Place): void {
  const list = listOf(board, column);
  if (!list) return;
  const others = cardsIn(list).filter((other) => other !== card);
  moveBefore(list, card, others[index] ?? null);
}

export function moveBefore(list: Element, card: HTMLElement, before: Element | null): void {
  if (before === card || (card.parentElement === list && card.nextElementSibling === before)) return;
  const focused = card.contains(document.activeElement) ? (document.activeElement as HTMLElement) : null;
  list.insertBefore(card, before);
  focused?.focus({ preventScroll: true });
}

/** "2 of 5 in To do" */
export function describePlace(board: Board, { column, index }: Place, count: number): string {
  return `${index + 1} of ${count} in ${nameOfColumn(board, column)}`;
}

/** Where the card is, in words. */
export function describeCard(board: Board, card: HTMLElement): string {
  return describePlace(board, placeOf(board, card), card.parentElement?.childElementCount ?? 0);
}

export function isRightToLeft({ root }: Board): boolean {
  return getComputedStyle(root).direction === "rtl";
}

/** Makes an element with a class of the board. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  classes: string,
  attributes: Readonly<Record<string, string>> = {},
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  element.className = classes;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
