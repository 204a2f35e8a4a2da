/** The sentence under a widget whose controls are off, because the host lets the View call no tools. */

import { isAnyWithheld, NOTE_ID } from "../dom/read_only";
import { foot, make } from "./status_bar";

const SENTENCE = "Read-only: this app can't run actions from a widget. Ask for changes in the chat.";

/** Shows the sentence, once something was turned off. */
export function showReadOnlyNote(): void {
  if (!isAnyWithheld() || document.getElementById(NOTE_ID)) return;
  const note = make("p", "intarsia-read-only", SENTENCE);
  note.id = NOTE_ID;
  foot.prepend(note);
}
