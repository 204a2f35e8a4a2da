/** What the task board adds to its markup: moving cards by drag and by steps, completing, adding, pages and tabs. */

import { around } from "../_elements";
import { watchRoom } from "../_pager";
import { defineBehavior } from "../view/behavior";
import { type Board, CARDS } from "./board";
import { Drag } from "./drag";
import type { Moves } from "./moves";
import { continueTurn, heightBeside, holdBack, layOut, layOutAnew, outermost, turnPage } from "./pages";
import { add, complete, pressedRow } from "./presses";
import { Steps } from "./steps";
import { listOfTab, tabByKey } from "./tabs";

function listen(board: Board, moves: Moves): void {
  const { root } = board;
  const addFrom = (row: HTMLElement | null): void => void (row && add(board, row));
  root.addEventListener("change", ({ target }) => void complete(board, target));
  root.addEventListener("pointerover", showWholeTitle);
  root.addEventListener("click", (event) => {
    moves.clearRefused();
    chooseColumn(board, listOfTab(board, event.target));
    turnPage(board, event.target);
    addFrom(pressedRow(event));
  });
  root.addEventListener("keydown", (event) => {
    const tab = tabByKey(board, event);
    if (tab) event.preventDefault();
    tab?.focus();
    tab?.click();
    addFrom(pressedRow(event));
  });
}

function chooseColumn(board: Board, list: HTMLElement | undefined): void {
  if (!list) return;
  board.chosen = list;
  layOut(board);
}

/** Shows a title that is cut off in full as a tooltip. */
function showWholeTitle({ target }: Event): void {
  const title = around(target, `.${CARDS} p`);
  if (title) title.title = title.scrollHeight > title.clientHeight ? (title.textContent ?? "") : "";
}

defineBehavior("task_board", (root, view) => {
  const [pages, heights] = [new WeakMap(), new WeakMap()];
  const board: Board = { root, view, chosen: undefined, pages, heights, turning: null, measured: null };
  const end = new AbortController();
  const { moves } = new Steps(board, end.signal);
  new Drag(board, moves, end.signal);
  listen(board, moves);
  holdBack(board);
  const forget = watchRoom(root, view, () => layOutAnew(board));
  // Text above the board can appear and disappear without a change of the board.
  const beside = new ResizeObserver(() => board.measured && board.measured.beside !== heightBeside(root) && layOut(board));
  beside.observe(outermost(root));
  const patched = (isNew: boolean): void => {
    moves.notePatch(isNew);
    layOut(board);
    continueTurn(board);
  };
  patched(true);
  return {
    patched,
    stop() {
      moves.cancel();
      end.abort();
      forget();
      beside.disconnect();
    },
  };
});
