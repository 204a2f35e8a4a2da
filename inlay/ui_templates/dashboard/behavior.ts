/** A dashboard pages its tiles where not all fit. */

import { type Pager, startPaging } from "../_paging";
import { defineBehavior } from "../view/behavior";

const pagers = new WeakMap<HTMLElement, Pager>();

defineBehavior("dashboard", {
  start(root, view) {
    const list = (): HTMLElement | null => root.querySelector<HTMLElement>(".inlay-dashboard__tiles");
    pagers.set(root, startPaging({ root, list, view }));
  },
  patched(root) {
    pagers.get(root)?.fit();
  },
  stop(root) {
    pagers.get(root)?.stop();
  },
});
