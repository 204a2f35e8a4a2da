/** Turns HTML text into nodes that may enter the document: parsed inert, cleaned, formatted. */

import { formatAll } from "./intl";
import { withholdActions } from "./read_only";

const FORBIDDEN_TAGS = "script,style,iframe,frame,frameset,object,embed,base,meta,link,portal,fencedframe,set,animate";

/** The only `hx-*` attributes that are allowed; others could redirect, evaluate code or poll. */
const HTMX_ALLOWED = new Set([
  "hx-post",
  "hx-get",
  "hx-trigger",
  "hx-confirm",
  "hx-ignore",
]);

/** Attributes that run code, navigate, load a document or take the focus. */
const FORBIDDEN_ATTRIBUTES = new Set(["srcdoc", "action", "formaction", "formtarget", "target", "ping", "autofocus", "nonce", "is"]);
const LINKS = new Set(["href", "src", "xlink:href", "data", "poster", "background"]);
/** What links and pictures may refer to; everything else, code above all, is removed. */
const HARMLESS_LINK = /^\s*(?:https?:|mailto:|#|data:image\/)/i;

/** A trigger without a user (`load`, `revealed`, `every`), one on other elements, or one with a filter, which is code. */
const FORBIDDEN_TRIGGER = /\b(?:load|revealed|intersect|every)\b|\[|\bfrom\s*:/;
const TOOL_ADDRESS = /^tool:[\w.\-/]{1,128}$/;

// Called on the prototype, because the fields of a form can shadow these methods.
const { getAttributeNames, getAttribute, removeAttribute, remove } = Element.prototype;

interface HtmlPolicy {
  createHTML(html: string): string;
}

const trusted: HtmlPolicy = makePolicy();

/** A host may require Trusted Types and refuse our policy; then only plain text can be shown. */
function makePolicy(): HtmlPolicy {
  const policy = { createHTML: (html: string) => html };
  const { trustedTypes } = window as { trustedTypes?: { createPolicy(name: string, rules: HtmlPolicy): HtmlPolicy } };
  try {
    return trustedTypes?.createPolicy("intarsia", policy) ?? policy;
  } catch {
    return policy;
  }
}

function isHarmful(name: string, value: string): boolean {
  if (name.startsWith("on") || FORBIDDEN_ATTRIBUTES.has(name) || name.startsWith("data-hx-")) return true;
  if (LINKS.has(name)) return !HARMLESS_LINK.test(value);
  if (!name.startsWith("hx-")) return false;
  if (!HTMX_ALLOWED.has(name)) return true;
  if (name === "hx-post" || name === "hx-get") return !TOOL_ADDRESS.test(value);
  if (name === "hx-trigger") return FORBIDDEN_TRIGGER.test(value);
  return false;
}

/** Removes everything that is not plain, declarative markup: the second line of defense, behind escaping. */
export function clean(root: ParentNode): void {
  for (const element of root.querySelectorAll(FORBIDDEN_TAGS)) remove.call(element);
  for (const element of root.querySelectorAll("*")) {
    const names = getAttributeNames.call(element);
    const harmful = names.filter((name) => isHarmful(name, getAttribute.call(element, name) ?? ""));
    // Without its trigger, a call would fire on a click instead.
    if (harmful.includes("hx-trigger")) harmful.push("hx-post", "hx-get");
    for (const name of harmful) removeAttribute.call(element, name);
    if (element instanceof HTMLTemplateElement) clean(element.content);
  }
}

/** Parses HTML from the server into nodes that are ready for the document. */
export function parseFragment(html: string): DocumentFragment {
  const template = document.createElement("template");
  template.innerHTML = trusted.createHTML(html);
  clean(template.content);
  withholdActions(template.content);
  formatAll(template.content);
  return template.content;
}
