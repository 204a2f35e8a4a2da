/** Focus and caret survive what an answer does to the document. */

interface Selection {
  readonly start: number | null;
  readonly end: number | null;
  readonly direction: "forward" | "backward" | "none" | null;
}

const FOCUSABLE = "a[href],button,input,select,textarea,summary,[tabindex]";

function selectionOf(element: Element): Selection | null {
  if (!(element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement)) return null;
  const { selectionStart: start, selectionEnd: end, selectionDirection: direction } = element;
  return start === null ? null : { start, end, direction };
}

/**
 * Notes where the focus is.
 *
 * @returns puts it back: on the same element, else on the one that took its id, else on the nearest one around it that can have it
 */
export function captureFocus(): () => void {
  const element = document.activeElement;
  if (!element || element === document.body) return () => undefined;
  const selection = selectionOf(element);
  const around: Element[] = [];
  for (let each: Element | null = element; each; each = each.parentElement) around.push(each);

  return () => {
    if (document.activeElement === element && element.isConnected) return;
    const heir = findHeir(around);
    if (!heir) return;
    heir.focus({ preventScroll: true });
    if (selection && selectionOf(heir)) {
      (heir as HTMLInputElement).setSelectionRange(selection.start, selection.end, selection.direction ?? "none");
    }
  };
}

function findHeir(around: readonly Element[]): HTMLElement | null {
  for (const each of around) {
    const candidate = each.isConnected ? each : each.id ? document.getElementById(each.id) : null;
    if (candidate instanceof HTMLElement && candidate.matches(FOCUSABLE)) return candidate;
  }
  return null;
}
