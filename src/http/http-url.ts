/** Which URLs are fetched. */

/** Whether `url` is of the protocol http or https. */
export function isHttp({ protocol }: URL): boolean {
  return protocol === "http:" || protocol === "https:"
}
