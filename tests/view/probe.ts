/** The behavior of the kind `probe`: gives tests the View, and records its calls. */

import { defineBehavior, type View } from "../../intarsia/ui_templates/view/behavior";

interface Probe {
  view: View | null;
  notes: string[];
}

const probe: Probe = { view: null, notes: [] };
Object.assign(window, { probe });

defineBehavior("probe", (root, view) => {
  probe.view = view;
  probe.notes.push(`start ${root.id}`);
  return {
    patched: () => void probe.notes.push(`patched ${root.id}`),
    stop: () => void probe.notes.push(`stop ${root.id}`),
  };
});
