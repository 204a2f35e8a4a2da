/** The board as it stands in the document: columns, cards, and where a card is. Knows no gestures and no actions. */

import type { View } from "../view/behavior";

/** A place in a column; the index is counted from 0, without the card that is put there. */
export interface Place {
  readonly list: HTMLElement;
  readonly index: number;
}

export interface Board {
  readonly root: HTMLElement;
  readonly view: View;
  /** The list that the tabs have chosen; it is the first of those that are shown, if they can. */
  chosen: HTMLElement | undefined;
  /** By list: a card that is on the page that is shown. */
  readonly pages: WeakMap<HTMLElement, Element>;
}

export const CARDS = "inlay-task-board__cards";

export function listsOf({ root }: Board): HTMLElement[] {
  return [...root.querySelectorAll<HTMLElement>(`.${CARDS}`)];
}

export function cardsIn(list: Element): HTMLElement[] {
  return [...list.children] as HTMLElement[];
}

/** All cards of a list but one. */
export function othersIn(list: Element, card: Element): HTMLElement[] {
  return cardsIn(list).filter((other) => other !== card);
}

export function listOf(card: Element): HTMLElement {
  return card.parentElement as HTMLElement;
}

export function columnOf(list: Element): HTMLElement {
  return list.parentElement as HTMLElement;
}

/** The nearest element around an event's target that matches. */
export function around<Kind extends HTMLElement>(target: EventTarget | null, selector: string): Kind | null {
  return target instanceof Element ? target.closest<Kind>(selector) : null;
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

export function placeOf(card: HTMLElement): Place {
  const list = listOf(card);
  return { list, index: cardsIn(list).indexOf(card) };
}

export function isSamePlace(one: Place, other: Place): boolean {
  return one.list === other.list && one.index === other.index;
}

/** Puts a card somewhere; past the end is the end. What had the focus in it keeps it. */
export function putCard(card: HTMLElement, { list, index }: Place): void {
  const before = othersIn(list, card)[index] ?? null;
  if (listOf(card) === list && card.nextElementSibling === before) return;
  keepFocus(card, () => list.insertBefore(card, before));
}

/** Gives the focus back to what had it in a card. */
export function keepFocus(card: Element, change: () => void): void {
  const { activeElement } = document;
  const focused = card.contains(activeElement) ? (activeElement as HTMLElement) : null;
  change();
  focused?.focus({ preventScroll: true });
}

/** "2 of 5 in To do" */
export function describe(card: HTMLElement): string {
  const { list, index } = placeOf(card);
  return `${index + 1} of ${list.childElementCount} in ${nameOf(list)}`;
}

/** A length that CSS says, in pixels. */
export function pixels(element: Element, property: string): number {
  return parseFloat(getComputedStyle(element).getPropertyValue(property)) || 0;
}

export function isRightToLeft({ root }: Board): boolean {
  return getComputedStyle(root).direction === "rtl";
}

export function make(tag: string, className: string, attributes: Readonly<Record<string, string>> = {}): HTMLElement {
  const element = document.createElement(tag);
  element.className = className;
  setAll(element, attributes);
  return element;
}

export function setAll(element: Element, attributes: Readonly<Record<string, string>>): void {
  for (const name in attributes) element.setAttribute(name, attributes[name] as string);
}
