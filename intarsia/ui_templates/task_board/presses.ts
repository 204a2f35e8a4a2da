/** Completing cards, and adding new ones. */

import { around } from "../_elements";
import { type Board, cardAround, idOfCard, listsOf } from "./board";
import { layOut, show } from "./pages";

/** Completes or reopens a card when its checkbox changed. */
export async function complete(board: Board, box: EventTarget | null): Promise<void> {
  const card = cardAround(box);
  if (!card || !(box instanceof HTMLInputElement)) return;
  const outcome = await board.view.act("complete", { card: idOfCard(board, card), done: box.checked }, box);
  box.checked = box.defaultChecked;
  if (!outcome.ok) card.dataset.refused = "";
  layOut(board);
}

/** The row for a new card, after a click on its button or Enter in its field. */
export function pressedRow(event: Event): HTMLElement | null {
  const isPressed =
    event instanceof KeyboardEvent
      ? event.key === "Enter" && !event.isComposing && around(event.target, "input")
      : around(event.target, "button");
  return isPressed ? around(isPressed, ".intarsia-task-board__add") : null;
}

/** Adds a card with the text of a row. The text stays until the server accepts it; the focus stays for the next one. */
export async function add(board: Board, row: HTMLElement): Promise<void> {
  const field = row.querySelector("input") as HTMLInputElement;
  const title = field.value.trim();
  field.focus({ preventScroll: true });
  if (!title || field.readOnly) return;
  field.readOnly = true;
  const before = new Set(listsOf(board).map((list) => list.lastElementChild));
  const outcome = await board.view.act("add", { title }, field);
  field.readOnly = false;
  if (outcome.ok) field.value = "";
  for (const { lastElementChild: card } of listsOf(board)) if (card && !before.has(card)) show(board, card);
}
