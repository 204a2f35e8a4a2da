/** htmx in the View: its triggers and its morph, without code evaluation and network; the user's state survives. */

import type { Htmx } from "htmx.org";

interface HtmxInternals {
  morph(oldNode: Element, fragment: DocumentFragment, isInner: boolean): void;
  initSecurity(policy: object, syncFunction: unknown, asyncFunction: unknown): void;
}

let instance: Htmx | null = null;
let internals: HtmxInternals | null = null;
const waiting: ((htmx: Htmx) => void)[] = [];

/** Runs the listener once htmx is loaded, in the order of the calls. It is the last of the bundle: see `main.ts`. */
export function onHtmx(listener: (htmx: Htmx) => void): void {
  waiting.push(listener);
}

/** Runs everything that waits for htmx. */
export function startHtmx(htmx: Htmx): void {
  instance = htmx;
  for (const listener of waiting) listener(htmx);
}

/** Replaces `Function`: code in an attribute does nothing. */
class InertFunction {
  constructor() {
    return () => undefined;
  }
}

/** `<details>`, `<dialog>` and what a button unfolds stay as the user left them. */
function keepOpen(element: Element, { attrName }: { attrName: string }): boolean {
  if (attrName === "aria-expanded") return !element.matches("[data-fold]");
  return !(attrName === "open" && element.matches("details,dialog"));
}

/** htmx copies attributes only; where the server changed a control's default, the control's state follows. */
function followServer(_element: Element, { oldNode, newNode }: { oldNode: Node; newNode: Node }): void {
  if (oldNode instanceof HTMLInputElement && newNode instanceof HTMLInputElement) {
    if (oldNode.defaultChecked !== newNode.defaultChecked) oldNode.checked = newNode.defaultChecked;
  }
  if (oldNode instanceof HTMLOptionElement && newNode instanceof HTMLOptionElement) {
    if (oldNode.defaultSelected !== newNode.defaultSelected) oldNode.selected = newNode.defaultSelected;
  }
}

onHtmx((htmx) =>
  htmx.registerExtension("intarsia-morph", {
    init(api: HtmxInternals) {
      internals = api;
      const unchanged = (html: string): string => html;
      api.initSecurity({ createHTML: unchanged, createScript: () => "" }, InertFunction, InertFunction);
    },
    htmx_before_morph_attr: keepOpen,
    htmx_before_morph_node: followServer,
  }),
);

/** Morphs an element into the one in the fragment, keeping every node that can be kept. */
export function morph(element: Element, fragment: DocumentFragment): void {
  internals?.morph(element, fragment, false);
}

/** Morphs the content of an element into the fragment, keeping every node that can be kept. */
export function morphInside(element: Element, fragment: DocumentFragment): void {
  internals?.morph(element, fragment, true);
}

/** Elements without the mark that htmx sets on those it listens to. */
const INACTIVE = ["hx-post", "hx-get"].map((name) => `[${name}]:not([data-htmx-powered])`).join();

/** Activates new `hx-*` attributes. htmx would look at every element, so it runs only when there are any. */
export function activate(root: Element): void {
  if (root.querySelector(INACTIVE)) instance?.process(root);
}
