/** Helpers for elements, for behaviors and for the View. */

/** The nearest element around an event's target that matches. */
export function around<Kind extends HTMLElement>(target: EventTarget | null, selector: string): Kind | null {
  return target instanceof Element ? target.closest<Kind>(selector) : null;
}

/** A computed CSS length, in pixels. */
export function pixels(element: Element, property: string): number {
  return parseFloat(getComputedStyle(element).getPropertyValue(property)) || 0;
}

export function make(tag: string, className: string, attributes: Readonly<Record<string, string>> = {}): HTMLElement {
  const element = document.createElement(tag);
  element.className = className;
  setAll(element, attributes);
  return element;
}

/** Sets attributes that differ. Setting the same value again would make the browser lay out again. */
export function setAll(element: Element, attributes: Readonly<Record<string, string>>): void {
  for (const name in attributes) {
    const value = attributes[name] as string;
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  }
}

export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
