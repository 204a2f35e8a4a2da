/** The tools that a model may call, each with its form. App-only tools are never offered. */

import type { Tool } from "@modelcontextprotocol/client";
import { element } from "../dom";
import { isVisibleTo, titleOf, viewUri } from "../mcp/connection";
import { toolForm } from "./form";

export type Call = (tool: Tool, given: Record<string, unknown>) => void;

/** Tools for a model, those with a widget first. */
export function callableTools(tools: Tool[]): { widgets: Tool[]; others: Tool[] } {
  const callable = tools.filter((tool) => isVisibleTo(tool, "model"));
  return {
    widgets: callable.filter((tool) => viewUri(tool) !== undefined && tool.annotations?.readOnlyHint !== false),
    others: callable.filter((tool) => viewUri(tool) === undefined || tool.annotations?.readOnlyHint === false),
  };
}

/** The tools of an added connector. */
export interface Offer {
  name: string;
  tools: Tool[];
  call: Call;
}

export class ToolList {
  constructor(private readonly place: HTMLElement) {}

  /** Shows the page's own tools, then those of other connectors under their names. */
  show(tools: Tool[], call: Call, added: Offer[] = []): void {
    const { widgets, others } = callableTools(tools);
    const own = [...group("Widgets", widgets, call), ...group("Other tools", others, call)];
    this.place.replaceChildren(...own, ...added.flatMap((offer) => group(offer.name, inOrder(offer.tools), offer.call)));
  }

  /** Opens a tool's form and goes to its first field. */
  open(tool: Tool): void {
    const entry = this.place.querySelector<HTMLDetailsElement>(`details[data-tool="${CSS.escape(tool.name)}"]`);
    if (!entry) return;
    entry.open = true;
    entry.scrollIntoView({ block: "nearest" });
    entry.querySelector<HTMLElement>("input, select, textarea, button")?.focus();
  }
}

function inOrder(tools: Tool[]): Tool[] {
  const { widgets, others } = callableTools(tools);
  return [...widgets, ...others];
}

function group(title: string, tools: Tool[], call: Call): HTMLElement[] {
  if (tools.length === 0) return [];
  return [element("h2", { class: "group-title" }, title), ...tools.map((tool) => entryOf(tool, call))];
}

function entryOf(tool: Tool, call: Call): HTMLElement {
  const title = element("span", { class: "tool-title" }, titleOf(tool));
  const summary = element("summary", {}, title, titleOf(tool) !== tool.name && element("code", {}, tool.name));
  const description = tool.description ? element("p", { class: "tool-description" }, tool.description) : null;
  const form = toolForm(tool, (given) => call(tool, given));
  return element("details", { class: "tool", name: "tool", data: { tool: tool.name } }, summary, description, form);
}
