/** Elements from plain calls. Text always becomes text nodes, never markup. */

export type Child = Node | string | number | null | undefined | false;

type Properties<E> = Partial<
  Omit<{ [K in keyof E as E[K] extends (...args: never[]) => unknown ? never : K]: E[K] }, "style">
> & {
  style?: Partial<CSSStyleDeclaration>;
  data?: Record<string, string>;
  aria?: Record<string, string>;
};

/** Make an element with properties and children. */
export function h<T extends keyof HTMLElementTagNameMap>(
  tag: T,
  properties: Properties<HTMLElementTagNameMap[T]> = {},
  ...children: Child[]
): HTMLElementTagNameMap[T] {
  const { style, data, aria, ...rest } = properties as Properties<HTMLElement>;
  const el = document.createElement(tag);
  Object.assign(el, rest);
  if (style) Object.assign(el.style, style);
  for (const [name, value] of Object.entries(data ?? {})) el.dataset[name] = value;
  for (const [name, value] of Object.entries(aria ?? {})) el.setAttribute(`aria-${name}`, value);
  append(el, children);
  return el;
}

/** Make an SVG element with attributes and children. */
export function s<T extends keyof SVGElementTagNameMap>(
  tag: T,
  attributes: Record<string, string | number> = {},
  ...children: Child[]
): SVGElementTagNameMap[T] {
  const el = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) el.setAttribute(name, String(value));
  append(el, children);
  return el;
}

/** Change a text node only if its text differs, so that screen readers stay calm. */
export function set_text(el: Node, text: string): void {
  if (el.textContent !== text) el.textContent = text;
}

/** Set an ARIA state, such as `pressed`. */
export function set_aria(el: Element, state: string, is: boolean): void {
  el.setAttribute(`aria-${state}`, String(is));
}

/** Listen until the signal aborts. */
export function on<K extends keyof GlobalEventHandlersEventMap>(
  target: EventTarget,
  type: K,
  run: (event: GlobalEventHandlersEventMap[K]) => void,
  signal: AbortSignal,
): void {
  target.addEventListener(type, run as (event: Event) => void, { signal });
}

/** Run when the signal aborts. */
export function on_end(signal: AbortSignal, run: () => void): void {
  signal.addEventListener("abort", run, { once: true });
}

/** What has the focus, inside a shadow too: there the document knows only the shadow's host. */
export function focused(near: Node): Element | null {
  const root = near.getRootNode();
  return root instanceof ShadowRoot ? root.activeElement : document.activeElement;
}

function append(el: Element, children: Child[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    el.append(typeof child === "number" ? String(child) : child);
  }
}
