/** What is said to those who cannot see the page change. */

import { required } from "./dom.ts"
import { visibleText } from "./model/visible-text.ts"

/** Says `text` when nothing else is being said. */
export function announce(text: string): void {
  required("#status", HTMLElement).textContent = visibleText(text)
}
