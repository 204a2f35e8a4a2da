/** Keeps focus and caret through changes of the document. */

const FOCUSABLE = "a[href],button,input,select,textarea,summary,[tabindex]";

/** Only text fields have a caret: in other fields it is null, and elsewhere undefined. */
type MaybeField = HTMLElement & Partial<Pick<HTMLInputElement, "selectionStart" | "selectionEnd" | "setSelectionRange">>;

/**
 * Remembers where the focus is.
 *
 * @returns restores it: to the same element, else to the one with its id, else to the nearest focusable one around it
 */
export function captureFocus(): () => void {
  const element = document.activeElement as MaybeField | null;
  const { selectionStart: start, selectionEnd: end } = element ?? {};
  const around: Element[] = [];
  for (let each: Element | null = element; each && each !== document.body; each = each.parentElement) around.push(each);

  return () => {
    if (document.activeElement === element) return;
    const successor: MaybeField | null = findSuccessor(around);
    successor?.focus({ preventScroll: true });
    if (typeof start === "number" && typeof successor?.selectionStart === "number") successor.setSelectionRange?.(start, end ?? start);
  };
}

function findSuccessor(around: readonly Element[]): HTMLElement | null {
  for (const each of around) {
    const candidate = each.isConnected ? each : each.id ? document.getElementById(each.id) : null;
    if (candidate instanceof HTMLElement && candidate.matches(FOCUSABLE)) return candidate;
  }
  return null;
}
