/** Finding the parts of the page, and writing to them only what has changed. */

export function find<Element extends HTMLElement>(id: string): Element {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element as Element;
}

/** Set a text only if it differs: otherwise screen readers would read it out again. */
export function setText(id: string, text: string): void {
  const element = find(id);
  if (element.textContent !== text) element.textContent = text;
}

/** Fill a list if what it shows has changed: otherwise its buttons would lose the focus. */
export function fill(id: string, content: unknown, make: () => (Node | string)[]): void {
  const key = JSON.stringify(content);
  const element = find(id);
  if (element.dataset.content === key) return;
  element.dataset.content = key;
  element.replaceChildren(...make());
}

/** Make an element with these properties. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Partial<HTMLElementTagNameMap[Name]> = {},
  ...content: (string | Node)[]
): HTMLElementTagNameMap[Name] {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...content);
  return element;
}
