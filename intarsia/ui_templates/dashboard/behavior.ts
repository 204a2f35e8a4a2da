/** A dashboard pages its tiles where not all fit. */

import { startPaging } from "../_pager";
import { defineBehavior } from "../view/behavior";

defineBehavior("dashboard", (root, view) =>
  startPaging({ root, list: () => root.querySelector<HTMLElement>(".intarsia-dashboard__tiles"), view }),
);
