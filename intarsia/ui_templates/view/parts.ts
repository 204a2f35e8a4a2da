/** The widget that is shown: what the server sent of it, and how a new answer is put into the document. */

import { captureFocus } from "./focus";
import { parseFragment } from "./fragment";
import { activate, morph, morphInside } from "./engine";
import type { Arguments, PartsAnswer, Piece, Seen } from "./wire";

interface ShownList {
  readonly prefix: string;
  readonly order: readonly string[];
}

interface Shown {
  readonly tool: string;
  readonly arguments: Arguments;
  readonly revision: number;
  readonly frame: Piece;
  readonly parts: ReadonlyMap<string, Piece>;
  readonly lists: ReadonlyMap<string, ShownList>;
  /** Every list's items by element id, because an item keeps its id when it moves to another list. */
  readonly items: ReadonlyMap<string, Piece>;
}

/** `old`: a newer one is shown. `unfit`: it builds on something else than what is shown, so a full read is needed. */
export type Verdict = "shown" | "old" | "unfit";

/** `-{2}`, because the two dashes after `<!` would begin a comment in the document that holds this script. */
const HOLE = /<!-{2}intarsia:(.+?)-->/g;

let shown: Shown | null = null;
let generation = 0;

/** Counts what was shown so far; an answer fits only the generation it was asked from. */
export function currentGeneration(): number {
  return generation;
}

/** The tool and the arguments of the widget that is shown. */
export function shownWidget(): { readonly tool: string; readonly arguments: Arguments } | null {
  return shown;
}

/** What is shown was read again and is the same. */
export function noteUnchanged(revision: number): void {
  if (shown) shown = { ...shown, revision };
}

/** Forgets the widget: a state took its place. */
export function forgetShown(): void {
  shown = null;
  generation += 1;
}

/** What the View holds, for the server to answer with the difference. */
export function seenNow(tiles?: readonly string[]): Seen | null {
  if (!shown) return null;
  const { items } = shown;
  const parts = Object.fromEntries([...shown.parts].map(([id, piece]) => [id, piece.hash]));
  const lists = Object.fromEntries(
    [...shown.lists].map(([id, { prefix, order }]) => [id, order.map((key) => items.get(prefix + key)?.hash + key)]),
  );
  const seen: Seen = { tool: shown.tool, arguments: shown.arguments, frame: shown.frame.hash, parts, lists, revision: shown.revision };
  if (tiles) seen.tiles = [...tiles];
  return seen;
}

/**
 * Puts an answer into the document.
 *
 * @param base the generation that the request named in `seen`; null when it named nothing, so that the answer is full
 */
export function showParts(place: HTMLElement, answer: PartsAnswer, base: number | null): Verdict {
  if (base !== null && base !== generation) return "unfit";
  if (shown && isSameWidget(shown, answer) && answer.revision < shown.revision) return "old";
  const previous = base === null ? null : shown;
  const next = nextShown(answer, previous);
  const isWhole = !previous || next?.frame.hash !== previous.frame.hash;
  const html = next && isWhole ? assemble(next) : null;
  if (!next || (isWhole && html === null)) return "unfit";

  const restoreFocus = captureFocus();
  const isOtherWidget = shown?.tool !== next.tool;
  shown = next;
  generation += 1;
  if (html !== null) showWhole(place, html, isOtherWidget);
  else if (!previous || !patch(place, next, previous)) showWhole(place, assemble(next) ?? "", false);
  activate(place);
  restoreFocus();
  return "shown";
}

/** The item or part that an element is in. */
export function pieceAround(place: HTMLElement, element: Element): Element | null {
  for (let each: Element | null = element; each && each !== place; each = each.parentElement) {
    if (shown?.items.has(each.id) || shown?.parts.has(each.id)) return each;
  }
  return null;
}

/** Puts the item or part that an element is in back to what the server last said of it. False when it is in none. */
export function restorePiece(place: HTMLElement, element: Element): boolean {
  const around = pieceAround(place, element);
  const piece = shown?.items.get(around?.id ?? "") ?? shown?.parts.get(around?.id ?? "");
  if (!around || !piece) return false;
  const restoreFocus = captureFocus();
  morph(around, parseFragment(piece.html));
  activate(place);
  restoreFocus();
  return true;
}

/** Brings every list into the order that the server last said, whatever a gesture made of it. */
export function restoreLists(place: HTMLElement): void {
  if (!shown) return;
  const restoreFocus = captureFocus();
  if (!arrangeLists(shown, new Map())) showWhole(place, assemble(shown) ?? "", false);
  activate(place);
  restoreFocus();
}

function isSameWidget(one: { tool: string; arguments: Arguments }, other: { tool: string; arguments: Arguments }): boolean {
  return one.tool === other.tool && JSON.stringify(one.arguments) === JSON.stringify(other.arguments);
}

/** The answer laid over what it builds on, or null when something it refers to is missing. */
function nextShown(answer: PartsAnswer, base: Shown | null): Shown | null {
  const frame = answer.frame ?? base?.frame;
  if (!frame) return null;
  const parts = new Map([...(base?.parts ?? []), ...Object.entries(answer.parts ?? {})]);
  const lists = new Map<string, ShownList>([...(base?.lists ?? []), ...Object.entries(answer.lists ?? {})]);
  for (const id of answer.gone ?? []) void (parts.delete(id), lists.delete(id));

  const known = new Map(base?.items);
  for (const { prefix, items } of Object.values(answer.lists ?? {})) {
    for (const [key, piece] of Object.entries(items ?? {})) known.set(prefix + key, piece);
  }
  const items = new Map<string, Piece>();
  for (const { prefix, order } of lists.values()) {
    for (const key of order) {
      const piece = known.get(prefix + key);
      if (!piece) return null;
      items.set(prefix + key, piece);
    }
  }
  return { tool: answer.tool, arguments: answer.arguments, revision: answer.revision, frame, parts, lists, items };
}

/** The whole widget's HTML: the frame with its holes filled. Null when a hole has nothing to fill it. */
function assemble({ frame, parts, lists, items }: Shown): string | null {
  let isComplete = true;
  const html = frame.html.replace(HOLE, (_hole, name: string) => {
    const id = decodeURIComponent(name); // an id may come from data, and must not end the comment
    const list = lists.get(id);
    if (list) return list.order.map((key) => items.get(list.prefix + key)?.html ?? "").join("");
    const part = parts.get(id);
    isComplete &&= Boolean(part);
    return part?.html ?? "";
  });
  return isComplete ? html : null;
}

/** Another widget starts afresh; the same one keeps its nodes, and with them what the person typed and opened. */
function showWhole(place: HTMLElement, html: string, isOtherWidget: boolean): void {
  const fragment = parseFragment(html);
  if (isOtherWidget) place.replaceChildren(fragment);
  else morphInside(place, fragment);
}

/** Puts in only what differs. False when the document lacks an element that should be there. */
function patch(place: HTMLElement, next: Shown, previous: Shown): boolean {
  for (const [id, piece] of next.parts) {
    if (piece.hash === previous.parts.get(id)?.hash) continue;
    const element = document.getElementById(id);
    if (!element || !place.contains(element)) return false;
    morph(element, parseFragment(piece.html));
  }
  const changed = new Map<string, Element>();
  for (const list of next.lists.values()) {
    for (const element of parseChanged(list, next, previous)) changed.set(element.id, element);
  }
  return arrangeLists(next, changed);
}

/** One parse for all changed items of a list: the items of one list are of one kind, so they parse together. */
function parseChanged({ prefix, order }: ShownList, next: Shown, previous: Shown): Element[] {
  const ids = order.map((key) => prefix + key);
  const differing = ids.filter((id) => next.items.get(id)?.hash !== previous.items.get(id)?.hash);
  if (!differing.length) return [];
  return [...parseFragment(differing.map((id) => next.items.get(id)?.html ?? "").join("")).children];
}

/** Removes, inserts, moves and morphs items until every list is as it should be. */
function arrangeLists(next: Shown, changed: ReadonlyMap<string, Element>): boolean {
  const containers = [...next.lists].map(([id, list]) => [document.getElementById(id), list] as const);
  for (const [container] of containers) {
    for (const child of [...(container?.children ?? [])]) {
      if (!next.items.has(child.id) && !child.matches("[data-keep]")) child.remove();
    }
  }
  return containers.every(([container, list]) => container !== null && arrangeList(container, list, changed));
}

function arrangeList(container: Element, { prefix, order }: ShownList, changed: ReadonlyMap<string, Element>): boolean {
  let cursor = container.firstElementChild;
  for (const key of order) {
    const fresh = changed.get(prefix + key);
    const element = document.getElementById(prefix + key) ?? fresh;
    if (!element) return false;
    if (element === cursor) cursor = element.nextElementSibling;
    else if (element === cursor?.nextElementSibling) cursor = element.nextElementSibling; // the one between was moved away
    else moveBefore(container, element, cursor);
    if (fresh && fresh !== element) morphItem(element, fresh);
  }
  return true;
}

function morphItem(element: Element, fresh: Element): void {
  const fragment = document.createDocumentFragment();
  fragment.append(fresh);
  morph(element, fragment);
}

/** Moves without the losses of remove and insert (focus, scroll, running transitions) where the browser can. */
function moveBefore(container: Element, element: Element, before: Element | null): void {
  if (element.isConnected && "moveBefore" in container) container.moveBefore(element, before);
  else container.insertBefore(element, before);
}
