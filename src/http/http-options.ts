/** How a URL is fetched, as far as the caller has a say in it. */

/** Options for inputs that are `http:` or `https:` URLs. */
export interface HttpOptions {
  /** Called instead of the platform's `fetch`: a proxy, a cache, an agent of your own. */
  readonly fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined
  /**
   * Sent with every request, such as `{ authorization: "Bearer …" }`. Where the server redirects to another host,
   * `authorization` is not sent there. With any other header that may be a secret no redirect is followed at all.
   */
  readonly headers?: Headers | Readonly<Record<string, string>> | undefined
  /**
   * Milliseconds. A request is given up and made again when the server sends nothing for so long, neither the beginning of
   * an answer nor any more of it; how long a transfer takes does not matter. 0 or Infinity waits for ever. Default 30,000.
   */
  readonly stallTimeoutMs?: number | undefined
}

/** Headers that may be sent wherever a redirect leads: `fetch` drops the first, the others are no secrets. */
const FOLLOWING_HEADERS: readonly string[] = ["authorization", "accept", "accept-language", "user-agent"]

/** Whether redirects may be followed with `headers`: `fetch` takes all but `authorization` along to another host. */
export function mayFollowRedirects(headers: Headers): boolean {
  let follow = true
  headers.forEach((_, name) => {
    follow &&= FOLLOWING_HEADERS.includes(name)
  })
  return follow
}

/** Whether `value` is what `HttpOptions` says. Names that it does not know are no options, but misspelt ones. */
export function areHttpOptions(value: unknown): value is HttpOptions {
  if (typeof value !== "object" || value === null) return false
  const { fetch, headers, stallTimeoutMs = 0, ...others } = value as HttpOptions
  if (Object.keys(others).length > 0) return false
  if (typeof stallTimeoutMs !== "number" || !(stallTimeoutMs >= 0)) return false
  return (
    (fetch === undefined || typeof fetch === "function") && (headers === undefined || areHeaders(headers))
  )
}

function areHeaders(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false
  try {
    new Headers(value as Record<string, string>)
    return true
  } catch {
    return false
  }
}

/** Whether `url` is of the protocol http or https. */
export function isHttp({ protocol }: URL): boolean {
  return protocol === "http:" || protocol === "https:"
}

/** A text that says itself that it is a URL (`https://…`, `file:///…`); undefined for a path, and for anything else. */
export function urlOf(text: unknown): URL | undefined {
  if (typeof text !== "string" || !/^(?:https?|file):\/\//i.test(text)) return undefined
  return URL.canParse(text) ? new URL(text) : undefined
}

/** The name as people write it; as it stands where it is no percent encoding. */
export function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
