/** Shows more of a list of which the server sent a window: the buttons of `.intarsia-more`. */

import { setBusy } from "../dom/root";
import { readWindow } from "../requests/read_widget";
import { announce, showProblem } from "../ui/status_bar";

/** The items of a list in the document. */
function itemsOf(list: string): HTMLElement[] {
  return [...(document.getElementById(list)?.querySelectorAll<HTMLElement>(":scope > :not(.intarsia-more)") ?? [])];
}

/** The window that a button asks for; null when its attribute is damaged. */
function windowOf({ dataset: { window = "" } }: HTMLElement): readonly [start: number, count: number] | null {
  const [start, count] = window.slice(1, -1).split(",").map(Number);
  return Number.isSafeInteger(start) && Number.isSafeInteger(count) ? [start as number, count as number] : null;
}

/** Reads the window that a button asks for. The focus goes to the first new item, unless the user went on. */
export async function showMore(button: HTMLElement): Promise<void> {
  const more = button.closest<HTMLElement>(".intarsia-more");
  const wanted = windowOf(button);
  const { place = "", list = "" } = more?.dataset ?? {};
  if (!more || !wanted || button.ariaDisabled === "true") return;
  const before = new Set(itemsOf(list));
  const mayFocus = (): boolean => [button, document.body, null].includes(document.activeElement as HTMLElement | null);
  const hadFocus = mayFocus();
  button.ariaDisabled = "true";
  setBusy(true);
  const response = await readWindow({ list: place, start: wanted[0], count: wanted[1] });
  button.removeAttribute("aria-disabled");
  setBusy(false);
  if (!response) return;
  if (!response.outcome.ok) return void showProblem(response.outcome.message);
  const fresh = itemsOf(list).filter((item) => !before.has(item));
  if (hadFocus && fresh[0]) focusItem(fresh[0]);
  report(fresh.length, document.getElementById(more.id));
}

function focusItem(item: HTMLElement): void {
  item.tabIndex = -1;
  item.addEventListener("blur", () => item.removeAttribute("tabindex"), { once: true });
  item.focus();
}

function report(count: number, more: HTMLElement | null): void {
  const { end, total } = more?.dataset ?? {};
  announce(total ? `${count} more shown, up to ${end} of ${total}.` : `${count} more shown, all of them.`);
}
