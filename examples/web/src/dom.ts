/** Makes elements. Text always goes in as text, and text from files as text that can be seen. */

import { visibleText } from "./model/visible-text.ts"

export type Child = Node | string | undefined

/** `true` stands for an attribute without a value; `false` and undefined leave it out. */
export type Attributes = Readonly<Partial<Record<AttributeName, string | number | boolean | undefined>>>

type AttributeName =
  | (
      | "class"
      | "id"
      | "type"
      | "for"
      | "href"
      | "hidden"
      | "disabled"
      | "open"
      | "value"
      | "max"
      | "name"
      | "title"
    )
  | (
      | "rows"
      | "placeholder"
      | "autocomplete"
      | "spellcheck"
      | "role"
      | "tabindex"
      | "lang"
      | "colspan"
      | "scope"
    )
  | `aria-${string}`
  | `data-${string}`

/** An element with its attributes and children. In both, what is unsafe to show is escaped. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue
    made.setAttribute(name, value === true ? "" : visibleText(String(value)))
  }
  fill(made, ...children)
  return made
}

/** Replaces what is in `parent`. */
export function fill(parent: Element, ...children: readonly Child[]): void {
  const nodes = children.filter((child) => child !== undefined)
  parent.replaceChildren(...nodes.map((child) => (typeof child === "string" ? visibleText(child) : child)))
}

/** A button that does something. */
export function button(
  text: string,
  onClick: (event: MouseEvent) => void,
  attributes: Attributes = {},
): HTMLButtonElement {
  const made = element("button", { type: "button", ...attributes }, text)
  made.addEventListener("click", onClick)
  return made
}

/** The element of the page that `selector` finds. @throws Error when the page has none. */
export function required<Found extends Element>(selector: string, kind: new () => Found): Found {
  const found = document.querySelector(selector)
  if (!(found instanceof kind)) throw new Error(`the page has no ${selector}`)
  return found
}

const SVG = "http://www.w3.org/2000/svg"

/** As `element`, for drawings. */
export function drawing<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Partial<Record<SvgAttribute, string | number>>> = {},
  ...children: readonly (Node | string)[]
): SVGElementTagNameMap[Tag] {
  const made = document.createElementNS(SVG, tag)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, visibleText(String(value)))
  made.replaceChildren(...children.map((child) => (typeof child === "string" ? visibleText(child) : child)))
  return made
}

type SvgAttribute =
  | "class"
  | "viewBox"
  | "x"
  | "y"
  | "width"
  | "height"
  | "role"
  | "preserveAspectRatio"
  | "aria-label"
  | "aria-hidden"

/** A number that no other element of the page has in its id. */
export function nextId(): number {
  lastId += 1
  return lastId
}

let lastId = 0
