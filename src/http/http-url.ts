/** Which URLs are fetched, and which texts are URLs. */

/** Whether `url` is of the protocol http or https. */
export function isHttp({ protocol }: URL): boolean {
  return protocol === "http:" || protocol === "https:"
}

/** A text that says itself that it is a URL (`https://…`, `file:///…`); undefined for a path, and for anything else. */
export function urlOf(text: unknown): URL | undefined {
  if (typeof text !== "string" || !/^(?:https?|file):\/\//i.test(text)) return undefined
  return URL.canParse(text) ? new URL(text) : undefined
}
