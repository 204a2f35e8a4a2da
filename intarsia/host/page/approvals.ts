/** Asks the user, in a bar over the conversation: "Allow" or "Deny". Tests answer through `answer()`. */

import { element } from "./dom";

interface Words {
  yes: string;
  no: string;
  /** Whether the question takes the focus, and returns it. */
  takesFocus?: boolean;
  /** Withdraws the question, which counts as a no. */
  signal?: AbortSignal | undefined;
}

export const ALLOW: Words = { yes: "Allow", no: "Deny" };

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
  ask(text: string, detail: string, { yes: allow, no: deny, takesFocus = false, signal }: Words = ALLOW): Promise<boolean> {
    return new Promise((resolve) => {
      const yes = element("button", { class: "button primary", type: "button" }, allow);
      const no = element("button", { class: "button", type: "button" }, deny);
      const about = element("div", { class: "approval-text" }, element("strong", {}, text), element("span", {}, detail));
      const bar = element("div", { class: "approval" }, about, no, yes);
      bar.setAttribute("role", "group");
      bar.setAttribute("aria-label", text);
      const before = takesFocus ? document.activeElement : null;
      const settle = (allowed: boolean) => {
        if (before instanceof HTMLElement) before.focus({ preventScroll: true });
        resolve(allowed);
      };
      const question: Question = { bar, settle };
      yes.onclick = () => this.#settle(question, true);
      no.onclick = () => this.#settle(question, false);
      signal?.addEventListener("abort", () => this.#settle(question, false));
      this.#open.push(question);
      this.place.append(bar);
      if (!takesFocus) return;
      bar.tabIndex = -1;
      bar.focus({ preventScroll: true });
    });
  }

  /** Answers the oldest open question. */
  answer(allowed: boolean): void {
    const [question] = this.#open;
    if (!question) throw new Error("Nothing was asked.");
    this.#settle(question, allowed);
  }

  #settle(question: Question, allowed: boolean): void {
    const place = this.#open.indexOf(question);
    if (place < 0) return;
    this.#open.splice(place, 1);
    question.bar.remove();
    question.settle(allowed);
  }
}
