/** What the user typed and has not sent: kept while a placeholder is in the widget's place, and put back after it. */

type Field = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

/** Fields that send what they hold at once, and those whose value must not be kept. */
const SKIPPED =
  "[data-act],[data-filter],[hx-post],[hx-get],[hx-ignore] *,[type=file],[type=password],[type=hidden]," +
  "[type=button],[type=submit],[type=reset],[type=image]";
const BOXES = "[type=checkbox],[type=radio]";
/** Their value is chosen, not typed: only a form, or a design panel, holds it until it is sent. */
const CHOSEN = `${BOXES},[type=range],[type=color],select`;

interface Kept {
  /** The nearest element with an id around the field, or the field itself, and which of the like fields in it. */
  readonly place: string;
  readonly like: string;
  readonly index: number;
  readonly value: string;
  readonly isChecked: boolean;
  readonly isText: boolean;
}

const isChecked = (field: Field): boolean => field instanceof HTMLInputElement && field.checked;

/** Whether the user left something in a field that the server did not put there. */
function isChanged(field: Field): boolean {
  if (field instanceof HTMLSelectElement) return [...field.options].some((each) => each.selected !== each.defaultSelected);
  return field.matches(BOXES) ? isChecked(field) !== (field as HTMLInputElement).defaultChecked : field.value !== field.defaultValue;
}

function fieldsIn(place: ParentNode): Field[] {
  const fields = [...place.querySelectorAll<Field>("input,textarea,select")];
  const isHeld = (field: Field): boolean => !field.matches(CHOSEN) || field.matches("[data-token],form *");
  return fields.filter((field) => !field.matches(SKIPPED) && isHeld(field));
}

const likeOf = (field: Field): string => `${field.localName} ${field.getAttribute("type") ?? ""} ${field.name}`;

/** The fields that stand for the same thing: in the same place, of the same kind and name. */
function alike(root: ParentNode, place: string, like: string): Field[] {
  const around = place ? document.getElementById(place) : root;
  if (!around) return [];
  const inside = fieldsIn(around as ParentNode).filter((field) => likeOf(field) === like);
  return around instanceof Element && around.matches("input,textarea,select") ? [around as Field] : inside;
}

function keep(root: ParentNode, field: Field): Kept {
  const nearest = field.closest("[id]");
  const place = nearest && root !== nearest && (root as Node).contains(nearest) ? nearest.id : "";
  const like = likeOf(field);
  const { value } = field;
  const index = alike(root, place, like).indexOf(field);
  return { place, like, index, value, isChecked: isChecked(field), isText: !field.matches(CHOSEN) };
}

/** What stood in the fields of a widget. */
export class TypedText {
  readonly #kept: readonly Kept[];

  constructor(root: ParentNode) {
    this.#kept = fieldsIn(root).filter(isChanged).map((field) => keep(root, field));
  }

  /** The texts, to be shown and copied. */
  get text(): string {
    return this.#kept.flatMap(({ isText, value }) => (isText && value ? value : [])).join("\n\n");
  }

  /** Fills the fields again that are still there; what the user changed meanwhile stays. */
  restore(root: ParentNode): void {
    for (const { place, like, index, value, isChecked: wasChecked } of this.#kept) {
      const field = alike(root, place, like)[index];
      if (!field || isChanged(field) || field.disabled) continue;
      if (field.matches(BOXES)) (field as HTMLInputElement).checked = wasChecked;
      else field.value = value;
    }
  }
}
