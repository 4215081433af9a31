/**
 * The policy of the page lets no text become markup or the address of a script. Its own worker, which is made from a
 * Blob, is the one exception.
 */

interface TrustedTypes {
  createPolicy(name: string, rules: { readonly createScriptURL: (url: string) => string }): unknown
}

/** To be called before the first worker is made. Does nothing where the browser knows no such policies. */
export function allowOwnWorkers(): void {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes }
  trustedTypes?.createPolicy("default", {
    createScriptURL(url) {
      if (url.startsWith("blob:")) return url
      throw new TypeError("only the page's own worker is a script")
    },
  })
}
