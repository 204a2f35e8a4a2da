/**
 * `hx-post="tool:NAME"` and `hx-get="tool:NAME"`: htmx hears the trigger and validates, the View calls the tool.
 *
 * htmx's own request ends before it begins: the lane queues across elements, and parts go into the document at several
 * places at once, so that neither its queue nor its swap has a say.
 */

import type { HtmxRequestCtx } from "htmx.org";

import { act } from "./actions";
import type { Outcome } from "./behavior";
import { onEngine } from "./engine";
import { argumentsIn, formOf, formValues, itemOf, ownValue } from "./fields";
import { read } from "./reads";
import { showProblem } from "./shell";
import { isOurs, place } from "./stage";
import type { Arguments } from "./wire";

/** htmx puts these on a request, but does not type them. */
type Exchange = HtmxRequestCtx & { confirm?: string };

/** Where an `intarsia:act` event came from, and who waits for its outcome. */
interface Origin {
  readonly from: Element | null;
  settle(outcome: Outcome): void;
}

const TOOL = /^tool:([\w.\-/]{1,128})$/;

const origins = new WeakMap<Event, Origin>();

function problem(kind: "invalid" | "unknown_tool", message: string): Outcome {
  showProblem(message);
  return { ok: false, kind, message };
}

/** Finds an element again after answers may have replaced it: itself, else what took the id of the nearest one around it. */
function keepTrackOf(element: Element): () => Element {
  const ids: string[] = [];
  for (let each: Element | null = element; each && each !== place; each = each.parentElement) if (each.id) ids.push(each.id);
  const heir = (): Element | null => ids.map((id) => document.getElementById(id)).find(Boolean) ?? null;
  return () => (element.isConnected ? element : (heir() ?? element));
}

/** What fields say when the call is asked for; a person may type on while it waits. */
function fieldsOf(from: Element, event: Event): Arguments {
  const form = formOf(from);
  if (!form) return ownValue(from);
  return formValues(form, form === from ? (event instanceof SubmitEvent ? event.submitter : null) : from);
}

/** Leaves out what the action does not take: an item says more about itself than each action wants to know. */
function onlyTaken(element: Element, sent: Arguments): Arguments {
  const takes = element.getAttribute("data-takes")?.split(" ");
  return takes ? Object.fromEntries(Object.entries(sent).filter(([name]) => takes.includes(name))) : sent;
}

/** The arguments by their precedence: bound, which thing, fields, gesture. The thing is looked up when the call is sent. */
function argumentsOf(element: Element, from: Element, event: Event): () => Arguments {
  const find = keepTrackOf(from);
  const bound = argumentsIn(element.getAttribute("data-args"));
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
    return problem("invalid", error instanceof Error ? error.message : String(error));
  }
  if (isRead) {
    const answer = await read({ tool, arguments: collect() }, "read");
    if (answer && !answer.outcome.ok) showProblem(answer.outcome.message);
    return answer?.outcome ?? { ok: true, message: "" };
  }
  return act({ tool, arguments: collect, from: from ?? (event.type === "intarsia:act" ? null : element) });
}

onEngine((htmx) =>
  htmx.registerExtension("intarsia-tool", {
    htmx_config_request(element: Element, { ctx: exchange }: { ctx: Exchange }) {
      const tool = TOOL.exec(exchange.request.action)?.[1];
      const event = exchange.sourceEvent as Event;
      // Nothing here can ask back yet, so what wants to be confirmed is not done.
      if (!tool || exchange.confirm || !isOurs(element)) return false;
      void run(element, tool, event, exchange.request.method === "GET").then(origins.get(event)?.settle);
      return false;
    },
  }),
);

/** The outlet of that name in the nearest widget around an element that has one. */
function findOutlet(name: string, from: Element | null): Element | null {
  const selector = `[data-outlet="${CSS.escape(name)}"]`;
  for (let around = from; around && around !== place; around = around.parentElement) {
    const outlet = around.querySelector(selector);
    if (outlet && isOurs(outlet)) return outlet;
  }
  return [...place.querySelectorAll(selector)].find(isOurs) ?? null;
}

/** Sends a gesture to the outlet of that name. Never rejects. */
export function sendToOutlet(name: string, detail: Arguments, from: Element | null): Promise<Outcome> {
  const outlet = findOutlet(name, from);
  if (!outlet?.hasAttribute("data-htmx-powered")) {
    return Promise.resolve(problem("unknown_tool", `This widget has no action named ${name}.`));
  }
  return new Promise((settle) => {
    const event = new CustomEvent("intarsia:act", { detail });
    origins.set(event, { from, settle });
    outlet.dispatchEvent(event);
  });
}
