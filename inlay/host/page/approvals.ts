/** Asks the person, in a bar over the conversation: "Allow" or "Deny". Tests answer through `answer()`. */

import { element } from "./dom";

interface Question {
  bar: HTMLElement;
  settle(allowed: boolean): void;
}

export class Approvals {
  readonly #open: Question[] = [];

  constructor(private readonly place: HTMLElement) {}

  /** How many questions wait for an answer. */
  get waiting(): number {
    return this.#open.length;
  }

  /** Shows a question; resolves with the answer. */
  ask(text: string, detail: string, words = { yes: "Allow", no: "Deny" }): Promise<boolean> {
    return new Promise((resolve) => {
      const yes = element("button", { class: "button primary", type: "button" }, words.yes);
      const no = element("button", { class: "button", type: "button" }, words.no);
      const about = element("div", { class: "approval-text" }, element("strong", {}, text), element("span", {}, detail));
      const bar = element("div", { class: "approval" }, about, no, yes);
      bar.setAttribute("role", "group");
      bar.setAttribute("aria-label", text);
      const question: Question = { bar, settle: (allowed) => resolve(allowed) };
      yes.onclick = () => this.#settle(question, true);
      no.onclick = () => this.#settle(question, false);
      this.#open.push(question);
      this.place.append(bar);
    });
  }

  /** Answers the oldest open question. */
  answer(allowed: boolean): void {
    const [question] = this.#open;
    if (!question) throw new Error("Nothing was asked.");
    this.#settle(question, allowed);
  }

  #settle(question: Question, allowed: boolean): void {
    this.#open.splice(this.#open.indexOf(question), 1);
    question.bar.remove();
    question.settle(allowed);
  }
}
