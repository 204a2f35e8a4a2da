/** Clicks, changes and links in the markup: without native form submission, and without leaving the document. */

import { around } from "../../_elements";
import { isWidgetMarkup, setBusy } from "../dom/root";
import { request } from "../host/bridge";
import { canOpenLinks } from "../host/capabilities";
import { filterWidget, REPLACED } from "../requests/read_widget";
import { showProblem, status } from "../ui/status_bar";
import { captureFields, formOf, valueOf } from "./form_values";
import { reportAction } from "./model_context";
import { showMore } from "./show_more";
import { sendToOutlet } from "./tool_extension";

/** How long to wait for the next key in a filter. */
const TYPING_MS = 250;
const OPENABLE = /^(?:https?|mailto):$/;
/** Controls in which Enter submits the form. */
const ONE_LINE =
  "input:not([type=button],[type=submit],[type=reset],[type=image],[type=checkbox],[type=radio],[type=color],[type=range])";
/** Controls that act on a change; the others act on a click. */
const CHANGING = "input:not([type=button],[type=submit],[type=reset],[type=image]),select,textarea";
const SUBMITTERS = "button,input[type=submit],input[type=image]";

let typing: number | undefined;

function find<Kind extends HTMLElement>(event: Event, selector: string): Kind | null {
  return around(event.target, selector);
}

function isValid(form: HTMLFormElement, submitter: HTMLElement | null): boolean {
  return form.noValidate || submitter?.hasAttribute("formnovalidate") || form.reportValidity();
}

/** Submits as the browser would: validated, and by an event that htmx handles. A sandbox may forbid real submission. */
function submit(form: HTMLFormElement, submitter: HTMLElement | null): void {
  if (!isWidgetMarkup(form) || !isValid(form, submitter)) return;
  form.dispatchEvent(new SubmitEvent("submit", { bubbles: true, cancelable: true, submitter }));
}

function send(element: HTMLElement): void {
  if (!isWidgetMarkup(element) || element.closest('[aria-disabled="true"]')) return;
  void sendToOutlet(element.dataset.act ?? "", {}, element);
}

function onClick(event: Event): void {
  const link = find<HTMLAnchorElement>(event, "a[href],area[href]");
  if (link) return followLink(event, link);
  unfold(find<HTMLElement>(event, "[data-fold]"));
  const more = find<HTMLElement>(event, "button[data-window]");
  if (more && isWidgetMarkup(more)) return void showMore(more);
  const isHandled = event.defaultPrevented;
  const button = find<HTMLButtonElement>(event, SUBMITTERS);
  const form = button && formOf(button);
  if (form) event.preventDefault();
  const control = find<HTMLElement>(event, "[data-act]");
  if (control && !control.matches(`${CHANGING},form,:disabled`)) {
    if (!form || control !== button || isValid(form, button)) send(control);
  } else if (form && !isHandled) submit(form, button);
}

/** Shows or hides what a button folds. The style sheet does it, by `aria-expanded`, and only where it is narrow. */
function unfold(button: HTMLElement | null): void {
  if (button && isWidgetMarkup(button)) button.ariaExpanded = String(button.ariaExpanded !== "true");
}

/** Asks the host to open a link. Following it here would put an error page in the widget's place. */
function followLink(event: Event, link: HTMLAnchorElement): void {
  event.preventDefault();
  const address = link.getAttribute("href") ?? "";
  if (address.startsWith("#")) document.getElementById(address.slice(1))?.scrollIntoView();
  if (event.type !== "click" || !OPENABLE.test(link.protocol)) return;
  if (!canOpenLinks()) return status.show(`This app opens no links. The address is ${link.href}`);
  const refused = (): void => void showProblem("This link couldn't be opened.");
  // Hosts refuse in two ways: with an error, or with a result that is one.
  request("ui/open-link", { url: link.href }).then(({ isError }) => void (isError && refused()), refused);
}

function onChange(event: Event): void {
  const control = find<HTMLInputElement>(event, CHANGING);
  if (control?.hasAttribute("data-act")) send(control);
  if (control?.hasAttribute("data-filter")) void applyFilter(control);
}

function onInput(event: Event): void {
  const control = find<HTMLInputElement>(event, "[data-filter]");
  if (!control?.matches(`${ONE_LINE},textarea`)) return;
  clearTimeout(typing);
  typing = window.setTimeout(() => void applyFilter(control), TYPING_MS);
}

async function applyFilter(control: HTMLInputElement): Promise<void> {
  clearTimeout(typing);
  if (!isWidgetMarkup(control) || !control.name || !control.isConnected) return;
  const reset = captureFields(control);
  setBusy(true);
  const outcome = await filterWidget(control.name, valueOf(control));
  if (outcome === REPLACED) return;
  setBusy(false);
  if (outcome.ok) return reportAction();
  reset(false);
  showProblem(outcome.message);
}

function onKeydown(event: KeyboardEvent): void {
  const field = find<HTMLInputElement>(event, ONE_LINE);
  if (event.key !== "Enter" || event.isComposing || !field?.form) return;
  event.preventDefault();
  submit(field.form, field.form.querySelector<HTMLElement>("[type=submit],button:not([type])"));
}

function onSubmit(event: Event): void {
  event.preventDefault();
  const form = event.target;
  if (form instanceof HTMLFormElement && form.dataset.act && isWidgetMarkup(form)) void sendToOutlet(form.dataset.act, {}, form);
}

/** Starts listening. */
export function listenToForms(): void {
  document.addEventListener("click", onClick);
  document.addEventListener("auxclick", (event) => {
    const link = find<HTMLAnchorElement>(event, "a[href],area[href]");
    if (link) followLink(event, link);
  });
  document.addEventListener("change", onChange);
  document.addEventListener("input", onInput);
  document.addEventListener("keydown", onKeydown);
  document.addEventListener("submit", onSubmit);
}
