/** What the task board adds to its markup: moving cards by drag and by steps, completing, adding, pages and tabs. */

import { type View, defineBehavior } from "../view/behavior";
import { type Board, idOfColumn, listsOf } from "./board";
import { Drag } from "./drag";
import { Moves } from "./moves";
import { layOut, turnPage } from "./pages";
import { add, addRowOf, complete } from "./presses";
import { Steps } from "./steps";
import { columnOfTab, tabByKey } from "./tabs";

interface Running {
  readonly board: Board;
  readonly moves: Moves;
  readonly end: AbortController;
}

const running = new WeakMap<HTMLElement, Running>();

function start(root: HTMLElement, view: View): void {
  const board: Board = { root, view, column: "", pages: new Map() };
  const first = listsOf(board)[0];
  if (!first) return;
  board.column = idOfColumn(board, first);
  const steps = new Steps(board);
  const moves = new Moves(board, steps);
  steps.moves = moves;
  const end = new AbortController();
  running.set(root, { board, moves, end });
  new Drag(board, moves).listen(end.signal);
  steps.listen(end.signal);
  listen(board, moves);
  watchRoom(board, end.signal);
  moves.notePatch();
  layOut(board);
}

function listen(board: Board, moves: Moves): void {
  const { root } = board;
  root.addEventListener("change", ({ target }) => void complete(board, target));
  root.addEventListener("pointerover", showWholeTitle);
  root.addEventListener("click", (event) => {
    moves.clearRefused();
    chooseColumn(board, columnOfTab(board, event.target));
    turnPage(board, event.target);
    const row = addRowOf(board, event);
    if (row) void add(board, row);
  });
  root.addEventListener("keydown", (event) => {
    const tab = tabByKey(board, event);
    const row = addRowOf(board, event);
    if (!tab && !row) return;
    event.preventDefault();
    tab?.focus();
    tab?.click();
    if (row) void add(board, row);
  });
}

function chooseColumn(board: Board, column: string | null): void {
  if (column === null) return;
  board.column = column;
  layOut(board);
}

/** A title that was cut short is told whole to who points at it. */
function showWholeTitle({ target }: Event): void {
  if (!(target instanceof HTMLElement) || !target.matches(".inlay-task-board__cards p")) return;
  target.title = target.scrollHeight > target.clientHeight ? (target.textContent ?? "") : "";
}

/** Lays out again when the width or the height that there is changes. */
function watchRoom(board: Board, signal: AbortSignal): void {
  let width = board.root.clientWidth;
  const observer = new ResizeObserver(() => {
    if (board.root.clientWidth === width) return;
    width = board.root.clientWidth;
    layOut(board);
  });
  observer.observe(board.root);
  const forget = board.view.onContext(() => layOut(board));
  signal.addEventListener("abort", () => {
    observer.disconnect();
    forget();
  });
}

defineBehavior("task_board", {
  start,
  patched(root) {
    const board = running.get(root);
    if (!board) return;
    board.moves.notePatch();
    layOut(board.board);
  },
  stop(root) {
    running.get(root)?.moves.cancel();
    running.get(root)?.end.abort();
    running.delete(root);
  },
});
