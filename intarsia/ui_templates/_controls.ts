/** What controls that are made of several elements share. */

/** Lets an input say what it was set to, as when a person moves it; and, when that is over, that it is. */
export function speak(input: HTMLElement, isOver: boolean): void {
  input.dispatchEvent(new Event("input", { bubbles: true }));
  if (isOver) input.dispatchEvent(new Event("change", { bubbles: true }));
}
