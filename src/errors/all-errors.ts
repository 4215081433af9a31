/** The closed set of error codes, and the data that each one carries: the rows of all rooms together. */

import * as archive from "../archive/errors.ts"
import * as bytes from "../bytes/errors.ts"
import * as checkpoint from "../checkpoint/errors.ts"
import * as limits from "../limits/errors.ts"
import * as node from "../node/errors.ts"
import * as pickle from "../pickle/errors.ts"
import * as plan from "../plan/errors.ts"
import * as safetensors from "../safetensors/errors.ts"
import * as torch from "../torch/errors.ts"
import * as transfer from "../transfer/errors.ts"
import type { ErrorRow, FaultRow } from "./error-row.ts"

/** What the rooms export: rows, and words that go with them. */
type Rooms = typeof bytes &
  typeof limits &
  typeof archive &
  typeof pickle &
  typeof torch &
  typeof safetensors &
  typeof plan &
  typeof checkpoint &
  typeof transfer &
  typeof node

type Row = Extract<Rooms[keyof Rooms], ErrorRow>

/** What each code carries. */
export type ErrorDetails = {
  readonly [R in Row as R["code"]]: R extends ErrorRow<string, infer Detail> ? Readonly<Detail> : never
}

/** Every code that the library throws for bad input or a failing medium. */
export type ErrorCode = keyof ErrorDetails

/** A row whose errors carry a `Fault` and nothing more. */
export type AnyFaultRow = Extract<Row, FaultRow<string>>

/**
 * Every row by its code, for what lists them all or rebuilds an error by its code. Everything else imports this file for its
 * types alone: whoever throws brings the rows that it throws.
 */
export const ERROR_ROWS: { readonly [C in ErrorCode]: ErrorRow<C, ErrorDetails[C]> } =
  /* @__PURE__ */ Object.fromEntries(
    [bytes, limits, archive, pickle, torch, safetensors, plan, checkpoint, transfer, node]
      .flatMap((room) => Object.values<unknown>(room))
      .filter((value) => typeof value === "object")
      .map((row) => [(row as Row).code, row]),
  ) as never
