/** Focus and caret survive what an answer does to the document. */

const FOCUSABLE = "a[href],button,input,select,textarea,summary,[tabindex]";

/** Only fields with text have a caret; the others say null, and elements that are no fields nothing. */
type MaybeField = HTMLElement & Partial<Pick<HTMLInputElement, "selectionStart" | "selectionEnd" | "setSelectionRange">>;

/**
 * Notes where the focus is.
 *
 * @returns puts it back: on the same element, else on the one that took its id, else on the nearest one around it that can have it
 */
export function captureFocus(): () => void {
  const element = document.activeElement as MaybeField | null;
  const { selectionStart: start, selectionEnd: end } = element ?? {};
  const around: Element[] = [];
  for (let each: Element | null = element; each && each !== document.body; each = each.parentElement) around.push(each);

  return () => {
    if (document.activeElement === element) return;
    const heir: MaybeField | null = findHeir(around);
    heir?.focus({ preventScroll: true });
    if (typeof start === "number" && typeof heir?.selectionStart === "number") heir.setSelectionRange?.(start, end ?? start);
  };
}

function findHeir(around: readonly Element[]): HTMLElement | null {
  for (const each of around) {
    const candidate = each.isConnected ? each : each.id ? document.getElementById(each.id) : null;
    if (candidate instanceof HTMLElement && candidate.matches(FOCUSABLE)) return candidate;
  }
  return null;
}
