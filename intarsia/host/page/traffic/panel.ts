/** Shows the traffic: one line per message, its JSON behind it. */

import { bytesText, element } from "../dom";
import type { Party, Traffic, TrafficEntry } from "./log";

const SHOWN = 300;

export class TrafficPanel {
  readonly #list = element("ol", { class: "traffic-list" });
  readonly #counter: HTMLElement;

  constructor(place: HTMLElement, counter: HTMLElement, traffic: Traffic) {
    this.#counter = counter;
    const clear = element("button", { class: "button quiet", type: "button" }, "Clear");
    clear.onclick = () => this.#list.replaceChildren();
    place.append(element("div", { class: "traffic-head" }, element("h2", {}, "Traffic"), clear), this.#list);
    traffic.onEntry((entry) => this.#add(entry));
  }

  #add(entry: TrafficEntry): void {
    this.#counter.textContent = String(entry.number);
    this.#list.prepend(lineOf(entry));
    if (this.#list.childElementCount > SHOWN) this.#list.lastElementChild?.remove();
  }
}

function lineOf(entry: TrafficEntry): HTMLElement {
  const nameOf = (party: Party) => (party === "view" ? `view ${entry.view}` : party);
  const way = `${nameOf(entry.from)} → ${nameOf(entry.to)}`;
  const time = entry.took === null ? "" : `${entry.took} ms`;
  const summary = element(
    "summary",
    {},
    element("span", { class: "way", data: { from: entry.from } }, way),
    element("span", { class: "method" }, methodText(entry)),
    element("span", { class: "size" }, [bytesText(entry.bytes), time].filter(Boolean).join(" · ")),
  );
  const details = element("details", {}, summary);
  // The JSON is rendered on opening: some messages are large.
  details.ontoggle = () => {
    if (details.open && details.childElementCount === 1) {
      details.append(element("pre", { tabIndex: 0 }, JSON.stringify(entry.message, null, 2)));
    }
  };
  return element("li", { class: `traffic-${entry.kind}` }, details);
}

function methodText(entry: TrafficEntry): string {
  const name = toolName(entry);
  const method = entry.method.replace("ui/notifications/", "").replace("notifications/", "");
  const what = name ? `${method} ${name}` : method;
  return entry.kind === "answer" || entry.kind === "error" ? `${what}: ${entry.kind}` : what;
}

function toolName(entry: TrafficEntry): string {
  const params = (entry.message as { params?: { name?: unknown } }).params;
  return typeof params?.name === "string" ? params.name : "";
}
