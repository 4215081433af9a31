/** The command line says in its own options what the library says in those of its functions. */

import { expect, it } from "vitest"
import { nextStepOf } from "../../src/cli/failure.ts"
import { ERROR_ROWS } from "../../src/errors/all-errors.ts"

/** An option of a function: `root`. */
const OPTION = /`[a-z]\w*(?:: [^`]+)?`/i

/** The command makes no Blob. */
const NEVER_THROWN = ["blob-memory"]

const ROWS = Object.values(ERROR_ROWS).filter(
  ({ code, next }) => OPTION.test(next) && !NEVER_THROWN.includes(code),
)

it.each(ROWS)("$code", ({ code, next }) => {
  const said = nextStepOf(code, next)
  expect(said.replace("`inspect`", "")).not.toMatch(OPTION)
  expect(said).toMatch(/ --?[a-z]|`inspect`/)
})

it("leaves alone what names none", () => {
  expect(nextStepOf("zip-gap", ERROR_ROWS["zip-gap"].next)).toBe(ERROR_ROWS["zip-gap"].next)
  expect(nextStepOf("a-rule", undefined)).toBeUndefined()
  expect(ROWS.length).toBeGreaterThan(10)
})
