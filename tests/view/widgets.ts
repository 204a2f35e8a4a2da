/** The widgets and actions that the tests of the View use: a board, tiles, and whatever HTML a test gives. */

import { type FakeServer, Refusal } from "./server";

interface Card {
  id: string;
  title: string;
  version: number;
  isDone: boolean;
}

export interface Board {
  columns: Record<string, Card[]>;
  note: string;
}

const escape = (text: string): string => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/"/g, "&quot;");
const attribute = (value: unknown): string => escape(JSON.stringify(value));

const card = (id: string, title: string): Card => ({ id, title, version: 1, isDone: false });

export function newBoard(): Board {
  const todo = [card("T-1", "Write the plan"), card("T-2", "Order paper"), card("T-3", "Call Ada")];
  return { columns: { todo, doing: [card("T-4", "Paint the wall")], done: [] }, note: "" };
}

const outlet = (name: string, tool: string, args: object): string =>
  `<span hidden data-outlet="${name}" hx-post="tool:${tool}" hx-trigger="intarsia:act" data-args="${attribute(args)}"></span>`;

const cardItem = ({ id, title, version, isDone }: Card): string =>
  `<li id="w-card-${id}" tabindex="0" data-item="${attribute({ card: id, version })}"><span class="title">${escape(title)}</span>` +
  `<input type="checkbox" name="done" data-act="complete" aria-label="Done"${isDone ? " checked" : ""}>` +
  `<button type="button" data-act="boost">Boost</button><details><summary>More</summary><p>About ${id}</p></details>` +
  `<input class="own" aria-label="Note"></li>`;

function renderBoard({ columns, note }: Board, assignee: unknown): { frame: string; parts: object; lists: object } {
  const count = Object.values(columns).flat().length;
  const shown = (cards: Card[]): Card[] => (assignee ? cards.filter(({ title }) => title.includes(String(assignee))) : cards);
  const options = ["", "Ada", "paper"].map(
    (name) => `<option value="${name}"${name === (assignee ?? "") ? " selected" : ""}>${name || "Everybody"}</option>`,
  );
  const head =
    `<header id="w-head"><h1>Board</h1><p class="count">${count} cards ${escape(note)}</p>` +
    `<select name="assignee" data-filter>${options.join("")}</select></header>`;
  const lists = Object.fromEntries(
    Object.entries(columns).map(([name, cards]) => [
      `w-cards-${name}`,
      { prefix: "w-card-", items: shown(cards).map((each) => [each.id, cardItem(each)]) },
    ]),
  );
  const outlets = ["move", "complete", "boost", "add"].map((name) => outlet(name, name, { project: "p" })).join("");
  const columnsHtml = Object.keys(columns).map((name) => `<ol id="w-cards-${name}"><!--intarsia:w-cards-${name}--></ol>`);
  const add = `<form id="w-add" data-act="add"><input name="title" required><button>Add</button></form>`;
  const frame = `<section id="w" data-intarsia="probe"><!--intarsia:w-head-->${outlets}${columnsHtml.join("")}${add}</section>`;
  return { frame, parts: { "w-head": head }, lists };
}

function findCard(board: Board, id: unknown): [Card[], Card] {
  for (const cards of Object.values(board.columns)) {
    const found = cards.find((each) => each.id === id);
    if (found) return [cards, found];
  }
  throw new Refusal("refused", `There is no card ${String(id)}.`);
}

function checkVersion(found: Card, version: unknown): void {
  if (found.version !== version) throw new Refusal("conflict", "Ada was faster.");
}

/** Puts the board's tools on a server. */
export function addBoard(server: FakeServer, board: Board): void {
  server.widgets.set("board", ({ assignee }) => renderBoard(board, assignee) as never);
  server.actions.set("move", ({ project, card: id, column, index, version }) => {
    const [from, found] = findCard(board, id);
    checkVersion(found, version);
    const to = board.columns[String(column)];
    if (!to) throw new Refusal("invalid", "There is no such column.");
    const back = { project, card: id, column: nameOf(board, from), index: from.indexOf(found), version: found.version + 1 };
    from.splice(from.indexOf(found), 1);
    to.splice(Number(index), 0, found);
    found.version += 1;
    return { message: `Moved ${found.id} to ${String(column)}.`, undo: { tool: "move", arguments: back } };
  });
  server.actions.set("complete", ({ card: id, done, version }) => {
    const [, found] = findCard(board, id);
    checkVersion(found, version);
    found.isDone = Boolean(done);
    found.version += 1;
    return { message: `${found.isDone ? "Completed" : "Reopened"} ${found.id}.` };
  });
  server.actions.set("boost", ({ card: id, version }) => {
    const [, found] = findCard(board, id);
    checkVersion(found, version);
    found.title += "!";
    found.version += 1;
    return { message: `Boosted ${found.id}.` };
  });
  server.actions.set("add", ({ title }) => {
    if (title === "no") throw new Refusal("refused", "The board is full.");
    board.columns.todo?.push(card(`T-${server.runs.length + 10}`, String(title)));
    return { message: `Added ${String(title)}.` };
  });
}

const nameOf = (board: Board, cards: Card[]): string =>
  Object.entries(board.columns).find(([, each]) => each === cards)?.[0] ?? "";

/** Puts two refreshing tiles on a server; each counts how often it ran. */
export function addTiles(server: FakeServer, counts: Record<string, number>): void {
  server.widgets.set("tiles", (_args, tiles) => {
    const part = (name: string, seconds: number): string => {
      if (!tiles || tiles.includes(name)) counts[name] = (counts[name] ?? 0) + 1;
      return `<div id="w-${name}" data-tile="${name}" data-refresh="${seconds}"><b>${counts[name]}</b><input class="typed"></div>`;
    };
    return {
      frame: '<section id="w"><!--intarsia:w-cpu--><!--intarsia:w-disk--></section>',
      parts: { "w-cpu": part("cpu", 3), "w-disk": part("disk", 60) },
    };
  });
}
