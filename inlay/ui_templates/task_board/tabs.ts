/** The row of columns to choose from, where not all fit beside each other. */

import { type Board, idOfColumn, isRightToLeft, make, nameOfColumn } from "./board";

function tabsOf({ root }: Board): HTMLElement | null {
  return root.querySelector<HTMLElement>(".inlay-task-board__tabs");
}

/** The column of a tab. */
export function columnOfTab(board: Board, target: EventTarget | null): string | null {
  const tab = target instanceof Element ? target.closest<HTMLElement>("[role=tab]") : null;
  return tab && board.root.contains(tab) ? (tab.dataset.column ?? null) : null;
}

/** Brings the tabs in line with the columns; hides them where every column is shown. */
export function showTabs(board: Board, lists: readonly HTMLElement[], shown: readonly HTMLElement[]): void {
  const row = tabsOf(board);
  if (!row) return;
  row.hidden = shown.length === lists.length;
  if (row.hidden) delete board.root.dataset.tabs;
  else board.root.dataset.tabs = shown.length === 1 ? "one" : "some";
  lists.forEach((list) => markPanel(board, list, !row.hidden));
  if (row.hidden) return;
  row.setAttribute("role", "tablist");
  row.setAttribute("aria-label", "Columns");
  row.setAttribute("aria-multiselectable", String(shown.length > 1));
  while (row.childElementCount > lists.length) row.lastElementChild?.remove();
  lists.forEach((list, at) => fillTab(board, row, list, at, shown));
}

function markPanel({ root }: Board, list: HTMLElement, isBehindTab: boolean): void {
  const column = list.parentElement as HTMLElement;
  if (!isBehindTab) return ["role", "aria-labelledby"].forEach((name) => column.removeAttribute(name));
  column.setAttribute("role", "tabpanel");
  column.setAttribute("aria-labelledby", column.id.replace(`${root.id}-column-`, `${root.id}-tab-`));
}

function fillTab(board: Board, row: HTMLElement, list: HTMLElement, at: number, shown: readonly HTMLElement[]): void {
  const column = idOfColumn(board, list);
  const tab = (row.children[at] as HTMLElement | undefined) ?? row.appendChild(make("button", "", { type: "button", role: "tab" }));
  if (!tab.firstChild) tab.append(make("span", ""), make("small", ""));
  const [name, count] = [...tab.children] as [HTMLElement, HTMLElement];
  name.textContent = nameOfColumn(board, column);
  count.textContent = String(list.childElementCount);
  tab.id = `${board.root.id}-tab-${column}`;
  tab.dataset.column = column;
  tab.setAttribute("aria-controls", list.parentElement?.id ?? "");
  tab.setAttribute("aria-selected", String(shown.includes(list)));
  tab.tabIndex = list === shown[0] ? 0 : -1;
}

/** The tab that a key goes to from another, or null when the key is for something else. */
export function tabByKey(board: Board, event: KeyboardEvent): HTMLElement | null {
  const row = tabsOf(board);
  const tabs = [...(row?.children ?? [])] as HTMLElement[];
  const at = tabs.indexOf(event.target as HTMLElement);
  if (at < 0) return null;
  const forward = isRightToLeft(board) ? -1 : 1;
  const goals: Record<string, number> = {
    ArrowRight: at + forward,
    ArrowLeft: at - forward,
    Home: 0,
    End: tabs.length - 1,
  };
  const goal = goals[event.key];
  return goal === undefined ? null : (tabs[(goal + tabs.length) % tabs.length] ?? null);
}
