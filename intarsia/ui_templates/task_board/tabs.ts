/** The tabs of the columns, where not all fit side by side. */

import { around, make, setAll, setText } from "../_elements";
import { type Board, columnOf, isRightToLeft, listsOf, nameOf, totalOf } from "./board";

function tabsOf({ root }: Board): HTMLElement {
  return root.querySelector(".intarsia-task-board__tabs") as HTMLElement;
}

/** The list of the tab that something is in. */
export function listOfTab(board: Board, target: EventTarget | null): HTMLElement | undefined {
  const tab = around(target, "[role=tab]");
  return tab ? listsOf(board)[[...tabsOf(board).children].indexOf(tab)] : undefined;
}

/** Brings the tabs in line with the columns; hides them where every column is shown. */
export function showTabs(board: Board, lists: readonly HTMLElement[], shown: readonly HTMLElement[]): void {
  const row = tabsOf(board);
  const isNeeded = shown.length < lists.length;
  row.hidden = !isNeeded;
  board.root.dataset.tabs = isNeeded ? (shown.length > 1 ? "some" : "one") : "none";
  setAll(row, { "aria-multiselectable": String(shown.length > 1) });
  for (const list of lists) setAll(columnOf(list), { role: isNeeded ? "tabpanel" : "group" });
  while (row.childElementCount > lists.length) row.lastElementChild?.remove();
  if (isNeeded) lists.forEach((list, at) => fillTab(row, list, at, shown));
}

function fillTab(row: HTMLElement, list: HTMLElement, at: number, shown: readonly HTMLElement[]): void {
  const tab = row.children[at] ?? row.appendChild(make("button", "", { role: "tab" }));
  if (!tab.firstChild) tab.append(make("span", ""), make("small", ""));
  [nameOf(list), totalOf(list)].forEach((text, part) => setText(tab.children[part] as Element, String(text)));
  setAll(tab, {
    "aria-controls": columnOf(list).id,
    "aria-selected": String(shown.includes(list)),
    tabindex: list === shown[0] ? "0" : "-1",
  });
}

/** The tab that a key goes to from another; undefined when the key is for something else. */
export function tabByKey(board: Board, { target, key }: KeyboardEvent): HTMLElement | undefined {
  const tabs = [...tabsOf(board).children] as HTMLElement[];
  const at = tabs.indexOf(target as HTMLElement);
  if (at < 0) return undefined;
  const forward = isRightToLeft(board) ? -1 : 1;
  const goals: Record<string, number> = { ArrowRight: at + forward, ArrowLeft: at - forward, Home: 0, End: -1 };
  const goal = goals[key];
  return goal === undefined ? undefined : tabs.at(goal % tabs.length);
}
