/** The checkpoint that ships in examples/, as part of the page: it may fetch nothing. */

import dataUrl from "../../tiny-transformer.pt?inline"

export function exampleFile(): File {
  const text = atob(dataUrl.slice(dataUrl.indexOf(",") + 1))
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0))
  return new File([bytes], "tiny-transformer.pt")
}
