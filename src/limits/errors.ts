/** The error of a bound that a file exceeds. */

import type { ErrorRow } from "../errors/error-row.ts"
import type { Limits } from "./limits.ts"

/** The file asks for more than a limit allows; a caller who trusts it can raise that limit. */
export const LIMIT_EXCEEDED: ErrorRow<
  "limit-exceeded",
  {
    limit: keyof Limits
    allowed: number
    wanted: number
    within?: string
  }
> = {
  code: "limit-exceeded",
  say: (d) => `${d.wanted} exceeds the limit ${d.limit} of ${d.allowed}`,
  next: "If you trust where the file comes from, raise that limit with `limits`.",
}
