/** The widget that is shown: what the server sent of it, and how an update is applied to the document. */

import { type Arguments, isOlder, type ListWindow, type Piece, type Revision, type Seen, type WidgetUpdate } from "../messages";
import { captureFocus } from "./focus";
import { activate, morph, morphInside } from "./htmx";
import { parseFragment } from "./sanitize";

interface ShownList {
  readonly prefix: string;
  readonly order: readonly string[];
}

interface Shown {
  readonly tool: string;
  readonly arguments: Arguments;
  readonly revision: Revision;
  readonly frame: Piece;
  readonly parts: ReadonlyMap<string, Piece>;
  readonly lists: ReadonlyMap<string, ShownList>;
  /** Every list's items by element id, because an item keeps its id when it moves to another list. */
  readonly items: ReadonlyMap<string, Piece>;
  readonly windows: Readonly<Record<string, ListWindow>>;
}

/** The most items of a list that the server shows at once. */
const MAX_WINDOW_ITEMS = 200;

/** `outdated`: a newer update is shown. `needs_full_read`: it is the difference to something that is not shown. */
export type UpdateResult = "shown" | "outdated" | "needs_full_read";

/** `-{2}`, because two dashes after `<!` would start a comment in the document that contains this script. */
const PLACEHOLDER = /<!-{2}intarsia:(.+?)-->/g;

let shown: Shown | null = null;
let generation = 0;

/** Counts what was shown. A difference applies only to the generation that its request named. */
export function currentGeneration(): number {
  return generation;
}

/** The tool and the arguments of the widget that is shown. */
export function shownWidget(): { readonly tool: string; readonly arguments: Arguments } | null {
  return shown;
}

/** What is shown was read again, and has not changed. */
export function confirmUnchanged(revision: Revision): void {
  if (shown) shown = { ...shown, revision };
}

/** Forgets the widget: a placeholder took its root. */
export function clearShown(): void {
  shown = null;
  generation += 1;
}

/** What is shown, for the server to respond with the difference. */
export function currentSeen(tiles?: readonly string[]): Seen | null {
  if (!shown) return null;
  const { items } = shown;
  const parts = Object.fromEntries([...shown.parts].map(([id, piece]) => [id, piece.hash]));
  const lists = Object.fromEntries(
    [...shown.lists].map(([id, { prefix, order }]) => [id, order.map((key) => items.get(prefix + key)?.hash + key)]),
  );
  const seen: Seen = { tool: shown.tool, arguments: shown.arguments, frame: shown.frame.hash, parts, lists, revision: shown.revision };
  if (tiles) seen.tiles = [...tiles];
  const windows = Object.entries(shown.windows).map(([place, [start, count]]) => {
    // An item that was moved behind the last one of a window stays in sight.
    const most = Math.min(MAX_WINDOW_ITEMS, Math.max(count, countItems(place)));
    return [place, [start, most]] as const;
  });
  if (windows.length) seen.windows = Object.fromEntries(windows);
  return seen;
}

/** The number of items of a list in the document, if not all of the list is there. */
function countItems(place: string): number {
  const more = document.querySelector<HTMLElement>(`.intarsia-more[data-place="${CSS.escape(place)}"]`);
  return document.getElementById(more?.dataset.list ?? "")?.querySelectorAll(":scope > :not(.intarsia-more)").length ?? 0;
}

/**
 * Applies an update to the document.
 *
 * @param base the generation that the request named in `seen`; null when it named none, so that the update is full
 */
export function applyUpdate(root: HTMLElement, update: WidgetUpdate, base: number | null): UpdateResult {
  if (base !== null && base !== generation) return "needs_full_read";
  if (shown && isSameWidget(shown, update) && isOlder(update.revision, shown.revision)) return "outdated";
  const previous = base === null ? null : shown;
  const next = merge(update, previous);
  const isWhole = !previous || next?.frame.hash !== previous.frame.hash;
  const html = next && isWhole ? assemble(next) : null;
  if (!next || (isWhole && html === null)) return "needs_full_read";

  const restoreFocus = captureFocus();
  const isOtherWidget = shown?.tool !== next.tool;
  shown = next;
  generation += 1;
  if (html !== null) renderWhole(root, html, isOtherWidget);
  else if (!previous || !patch(root, next, previous)) renderWhole(root, assemble(next) ?? "", false);
  activate(root);
  restoreFocus();
  return "shown";
}

/** The item or part around an element. */
export function pieceAround(root: HTMLElement, element: Element): Element | null {
  for (let each: Element | null = element; each && each !== root; each = each.parentElement) {
    if (shown?.items.has(each.id) || shown?.parts.has(each.id)) return each;
  }
  return null;
}

/** Puts the item or part around an element back to what the server sent last. False when there is none. */
export function restorePiece(root: HTMLElement, element: Element): boolean {
  const around = pieceAround(root, element);
  const piece = shown?.items.get(around?.id ?? "") ?? shown?.parts.get(around?.id ?? "");
  if (!around || !piece) return false;
  const restoreFocus = captureFocus();
  morph(around, parseFragment(piece.html));
  activate(root);
  restoreFocus();
  return true;
}

/** Puts every list back into the order that the server sent last, whatever a gesture made of it. */
export function restoreLists(root: HTMLElement): void {
  if (!shown) return;
  const restoreFocus = captureFocus();
  if (!arrangeLists(shown, new Map())) renderWhole(root, assemble(shown) ?? "", false);
  activate(root);
  restoreFocus();
}

function isSameWidget(one: { tool: string; arguments: Arguments }, other: { tool: string; arguments: Arguments }): boolean {
  return one.tool === other.tool && JSON.stringify(one.arguments) === JSON.stringify(other.arguments);
}

/** Merges an update into what it is the difference to. Null when something that it refers to is missing. */
function merge(update: WidgetUpdate, base: Shown | null): Shown | null {
  const frame = update.frame ?? base?.frame;
  if (!frame) return null;
  const parts = new Map([...(base?.parts ?? []), ...Object.entries(update.parts ?? {})]);
  const lists = new Map<string, ShownList>([...(base?.lists ?? []), ...Object.entries(update.lists ?? {})]);
  for (const id of update.gone ?? []) void (parts.delete(id), lists.delete(id));

  const known = new Map(base?.items);
  for (const { prefix, items } of Object.values(update.lists ?? {})) {
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
  const { tool, arguments: args, revision, windows = {} } = update;
  return { tool, arguments: args, revision, frame, parts, lists, items, windows };
}

/** The whole widget's HTML: the frame with its placeholders filled. Null when there is nothing for one of them. */
function assemble({ frame, parts, lists, items }: Shown): string | null {
  let isComplete = true;
  const html = frame.html.replace(PLACEHOLDER, (_match, name: string) => {
    const id = decodeURIComponent(name); // an id may come from data, which must not end the comment
    const list = lists.get(id);
    if (list) return list.order.map((key) => items.get(list.prefix + key)?.html ?? "").join("");
    const part = parts.get(id);
    isComplete &&= Boolean(part);
    return part?.html ?? "";
  });
  return isComplete ? html : null;
}

/** Another widget replaces everything; the same one keeps its nodes, and with them what the user typed and opened. */
function renderWhole(root: HTMLElement, html: string, isOtherWidget: boolean): void {
  const fragment = parseFragment(html);
  if (isOtherWidget) root.replaceChildren(fragment);
  else morphInside(root, fragment);
}

/** Changes only what differs. False when an element is missing from the document. */
function patch(root: HTMLElement, next: Shown, previous: Shown): boolean {
  for (const [id, piece] of next.parts) {
    if (piece.hash === previous.parts.get(id)?.hash) continue;
    const element = document.getElementById(id);
    if (!element || !root.contains(element)) return false;
    morph(element, parseFragment(piece.html));
  }
  const changed = new Map<string, Element>();
  for (const list of next.lists.values()) {
    for (const element of parseChanged(list, next, previous)) changed.set(element.id, element);
  }
  return arrangeLists(next, changed);
}

/** Parses all changed items of a list at once: they are of one kind, so they parse together. */
function parseChanged({ prefix, order }: ShownList, next: Shown, previous: Shown): Element[] {
  const ids = order.map((key) => prefix + key);
  const differing = ids.filter((id) => next.items.get(id)?.hash !== previous.items.get(id)?.hash);
  if (!differing.length) return [];
  return [...parseFragment(differing.map((id) => next.items.get(id)?.html ?? "").join("")).children];
}

/** Removes, inserts, moves and morphs items until every list is as the server sent it. */
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
    else if (element === cursor?.nextElementSibling) cursor = element.nextElementSibling; // the one between moved away
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

/** Moves an element; where the browser can, without losing focus, scroll position and running transitions. */
function moveBefore(container: Element, element: Element, before: Element | null): void {
  if (element.isConnected && "moveBefore" in container) container.moveBefore(element, before);
  else container.insertBefore(element, before);
}
