/** htmx as the engine of the View: its morph, its triggers, no eval, no network, and the state that belongs to the person. */

import type { Htmx } from "htmx.org";

interface HtmxInternals {
  morph(oldNode: Element, fragment: DocumentFragment, isInner: boolean): void;
  initSecurity(policy: object, syncFunction: unknown, asyncFunction: unknown): void;
}

let engine: Htmx | null = null;
let internals: HtmxInternals | null = null;
const waiting: ((htmx: Htmx) => void)[] = [];

/** Runs the listener once htmx is there, in the order of the calls. It stands last in the bundle: see `main.ts`. */
export function onEngine(listener: (htmx: Htmx) => void): void {
  waiting.push(listener);
}

/** Takes htmx into service. */
export function startEngine(htmx: Htmx): void {
  engine = htmx;
  for (const listener of waiting) listener(htmx);
}

/** Stands in for `Function`: whatever code an attribute carries, it does nothing. */
class InertFunction {
  constructor() {
    return () => undefined;
  }
}

/** `<details>` and `<dialog>` are open because the person opened them. */
function keepOpen(element: Element, { attrName }: { attrName: string }): boolean {
  return !(attrName === "open" && element.matches("details,dialog"));
}

/** htmx copies attributes; where the server changed its mind about a control, the control's state follows. */
function followServer(_element: Element, { oldNode, newNode }: { oldNode: Node; newNode: Node }): void {
  if (oldNode instanceof HTMLInputElement && newNode instanceof HTMLInputElement) {
    if (oldNode.defaultChecked !== newNode.defaultChecked) oldNode.checked = newNode.defaultChecked;
  }
  if (oldNode instanceof HTMLOptionElement && newNode instanceof HTMLOptionElement) {
    if (oldNode.defaultSelected !== newNode.defaultSelected) oldNode.selected = newNode.defaultSelected;
  }
}

onEngine((htmx) =>
  htmx.registerExtension("intarsia-morph", {
    init(api: HtmxInternals) {
      internals = api;
      const asItIs = (html: string): string => html;
      api.initSecurity({ createHTML: asItIs, createScript: () => "" }, InertFunction, InertFunction);
    },
    htmx_before_morph_attr: keepOpen,
    htmx_before_morph_node: followServer,
  }),
);

/** Turns an element into the one in the fragment, keeping every node that can be kept. */
export function morph(element: Element, fragment: DocumentFragment): void {
  internals?.morph(element, fragment, false);
}

/** Turns what is inside an element into the fragment, keeping every node that can be kept. */
export function morphInside(element: Element, fragment: DocumentFragment): void {
  internals?.morph(element, fragment, true);
}

/** What htmx has not wired yet, or no longer: it marks what it has. */
const UNWIRED = ["hx-post", "hx-get"].map((name) => `[${name}]:not([data-htmx-powered])`).join();

/** Wires the `hx-*` attributes of what is new inside. htmx would look at every element, so it is asked only when needed. */
export function activate(place: Element): void {
  if (place.querySelector(UNWIRED)) engine?.process(place);
}
