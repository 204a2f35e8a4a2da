/**
 * `hx-post="tool:NAME"` and `hx-get="tool:NAME"`: htmx handles triggers and validation, the View calls the tool.
 *
 * htmx's own request ends before it begins: calls are queued across elements, and a response changes the document in
 * several places at once, so neither htmx's queue nor its swap would do.
 */

import type { HtmxRequestCtx } from "htmx.org";

import type { Outcome } from "../behavior";
import { onHtmx } from "../dom/htmx";
import { isWidgetMarkup, root } from "../dom/root";
import { type Arguments, parseArguments } from "../messages";
import { readWidget } from "../requests/read_widget";
import { showProblem } from "../ui/status_bar";
import { formOf, formValues, itemOf, ownValue } from "./form_values";
import { runAction } from "./run_action";

/** htmx sets these on a request, but does not type them. */
type Exchange = HtmxRequestCtx & { confirm?: string };

/** Where an `intarsia:act` event came from, and where its outcome goes. */
interface Origin {
  readonly from: Element | null;
  settle(outcome: Outcome): void;
}

const TOOL = /^tool:([\w.\-/]{1,128})$/;

const origins = new WeakMap<Event, Origin>();

function fail(kind: "invalid" | "unknown_tool", message: string): Outcome {
  showProblem(message);
  return { ok: false, kind, message };
}

/** Finds an element again after updates: itself, else the element that has the id of the nearest one around it. */
function track(element: Element): () => Element {
  const ids: string[] = [];
  for (let each: Element | null = element; each && each !== root; each = each.parentElement) if (each.id) ids.push(each.id);
  const successor = (): Element | null => ids.map((id) => document.getElementById(id)).find(Boolean) ?? null;
  return () => (element.isConnected ? element : (successor() ?? element));
}

/** The field values at the time of the trigger: the user may type on while the call waits. */
function fieldsOf(from: Element, event: Event): Arguments {
  const form = formOf(from);
  if (!form) return ownValue(from);
  return formValues(form, form === from ? (event instanceof SubmitEvent ? event.submitter : null) : from);
}

/** Leaves out what the action does not take: an item may carry more than each of its actions needs. */
function onlyTaken(element: Element, values: Arguments): Arguments {
  const takes = element.getAttribute("data-takes")?.split(" ");
  return takes ? Object.fromEntries(Object.entries(values).filter(([name]) => takes.includes(name))) : values;
}

/** The arguments, later ones first: gesture, fields, item, bound. The item is read when the call is sent. */
function argumentsOf(element: Element, from: Element, event: Event): () => Arguments {
  const find = track(from);
  const bound = parseArguments(element.getAttribute("data-args"));
  const item = itemOf(from);
  const fields = fieldsOf(from, event);
  const detail = event instanceof CustomEvent && event.type === "intarsia:act" ? (event.detail as Arguments) : {};
  return () => ({ ...bound, ...onlyTaken(element, { ...item, ...itemOf(find()), ...fields, ...detail }) });
}

async function run(element: Element, tool: string, event: Event, isRead: boolean): Promise<Outcome> {
  const from = origins.get(event)?.from ?? null;
  let collect: () => Arguments;
  try {
    collect = argumentsOf(element, from ?? element, event);
  } catch (error) {
    return fail("invalid", error instanceof Error ? error.message : String(error));
  }
  if (isRead) {
    const response = await readWidget({ tool, arguments: collect() }, "read");
    if (response && !response.outcome.ok) showProblem(response.outcome.message);
    return response?.outcome ?? { ok: true, message: "" };
  }
  return runAction({ tool, arguments: collect, from: from ?? (event.type === "intarsia:act" ? null : element) });
}

onHtmx((htmx) =>
  htmx.registerExtension("intarsia-tool", {
    htmx_config_request(element: Element, { ctx: exchange }: { ctx: Exchange }) {
      const tool = TOOL.exec(exchange.request.action)?.[1];
      const event = exchange.sourceEvent as Event;
      // `hx-confirm` cannot be asked here, so what has it is not done: servers ask for confirmation themselves.
      if (!tool || exchange.confirm || !isWidgetMarkup(element)) return false;
      void run(element, tool, event, exchange.request.method === "GET").then(origins.get(event)?.settle);
      return false;
    },
  }),
);

/** The outlet of that name in the nearest widget around an element that has one. */
function findOutlet(name: string, from: Element | null): Element | null {
  const selector = `[data-outlet="${CSS.escape(name)}"]`;
  for (let around = from; around && around !== root; around = around.parentElement) {
    const outlet = around.querySelector(selector);
    if (outlet && isWidgetMarkup(outlet)) return outlet;
  }
  return [...root.querySelectorAll(selector)].find(isWidgetMarkup) ?? null;
}

/** Sends a gesture to the outlet of that name. Never rejects. */
export function sendToOutlet(name: string, detail: Arguments, from: Element | null): Promise<Outcome> {
  const outlet = findOutlet(name, from);
  if (!outlet?.hasAttribute("data-htmx-powered")) {
    return Promise.resolve(fail("unknown_tool", `This widget has no action named ${name}.`));
  }
  return new Promise((settle) => {
    const event = new CustomEvent("intarsia:act", { detail });
    origins.set(event, { from, settle });
    outlet.dispatchEvent(event);
  });
}
