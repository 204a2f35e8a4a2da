/** Completing cards and adding new ones. */

import { type Board, cardAround, idOfCard, listOf, listsOf } from "./board";
import { layOut, turnToEnd } from "./pages";

const ADD = ".inlay-task-board__add";

/** Completes a card, or opens it again, when its box was changed. */
export async function complete(board: Board, box: EventTarget | null): Promise<void> {
  const card = cardAround(board, box);
  if (!card || !(box instanceof HTMLInputElement) || box.type !== "checkbox") return;
  const outcome = await board.view.act("complete", { card: idOfCard(board, card), done: box.checked }, box);
  box.checked = box.defaultChecked;
  if (!outcome.ok && card.isConnected) card.dataset.refused = "";
  layOut(board);
}

/** The add row around a control that was used to add, or null. */
export function addRowOf({ root }: Board, event: Event): HTMLElement | null {
  const target = event.target instanceof Element ? event.target : null;
  const row = target?.closest<HTMLElement>(ADD);
  if (!target || !row || !root.contains(row)) return null;
  const isEnter = event instanceof KeyboardEvent && event.key === "Enter" && !event.isComposing && target.matches("input");
  return isEnter || (event.type === "click" && target.closest("button")) ? row : null;
}

/** Adds a card with the text of the row; the text stays until the server has taken it, the focus for the next one. */
export async function add(board: Board, row: HTMLElement): Promise<void> {
  const field = row.querySelector("input") as HTMLInputElement;
  const title = field.value.trim();
  if (field.readOnly) return;
  field.focus({ preventScroll: true });
  if (!title) return;
  field.readOnly = true;
  const before = new Set(listsOf(board).map((list) => list.lastElementChild));
  const outcome = await board.view.act("add", { title }, field);
  field.readOnly = false;
  if (!outcome.ok) return;
  field.value = "";
  for (const list of listsOf(board)) {
    const column = list.id.slice(`${board.root.id}-cards-`.length);
    if (!before.has(list.lastElementChild) && listOf(board, column)) turnToEnd(board, column);
  }
  layOut(board);
}
