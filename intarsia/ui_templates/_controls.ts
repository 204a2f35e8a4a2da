/** Shared by controls that consist of several elements. */

/** Fires the events of an input after a script changed its value: `input`, and `change` when the change is complete. */
export function fireInput(input: HTMLElement, isComplete: boolean): void {
  input.dispatchEvent(new Event("input", { bubbles: true }));
  if (isComplete) input.dispatchEvent(new Event("change", { bubbles: true }));
}
