/** Small helpers to build the page. */

export type Child = Node | string | null | undefined | false;

/** Builds an element: properties are set as they are, except `class` and `data`. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Partial<HTMLElementTagNameMap[Tag]> & { class?: string; data?: Record<string, string> } = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const { class: className, data, ...rest } = properties;
  const built = document.createElement(tag);
  Object.assign(built, rest);
  if (className) built.className = className;
  Object.assign(built.dataset, data ?? {});
  built.append(...children.filter((child): child is Node | string => Boolean(child)));
  return built;
}

/** Finds an element that the page's document must have. */
export function required<Kind extends HTMLElement>(selector: string): Kind {
  const found = document.querySelector<Kind>(selector);
  if (!found) throw new Error(`The page has no ${selector}.`);
  return found;
}

/** Formats a number of bytes for reading. */
export function bytesText(bytes: number): string {
  return bytes < 1000 ? `${bytes} B` : `${(bytes / 1000).toFixed(1)} kB`;
}
