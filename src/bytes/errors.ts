/** Errors of whatever takes bytes in or gives bytes out, whatever they mean. */

import { DAMAGED, type ErrorRow, type FaultRow, sayPath } from "../errors/error-row.ts"

/** What a caller passed will not do. */
export const INVALID_ARGUMENT: ErrorRow<
  "invalid-argument",
  {
    argument: string
    problem: string
    /** What was likely meant. */
    candidates?: readonly string[]
  }
> = {
  code: "invalid-argument",
  say: (d) => `${d.argument}: ${d.problem}`,
  next: "Correct the argument; the documentation of the function lists what it takes.",
}

/** Why an input could not be read, where programs can tell. */
export type ReadFailure =
  | "dns"
  | "forbidden"
  | "gated"
  | "no-ranges"
  | "not-found"
  | "redirect"
  | "refused-connection"
  | "server-error"
  | "stalled"
  | "tls"
  | "too-many-requests"
  | "unauthorized"
  | "web-page"

/** The medium of the input fails: a file, a stream, a server. Nothing is said of the bytes. */
export const READ_FAILED: ErrorRow<"read-failed", { path?: string; reason: string; failure?: ReadFailure }> =
  {
    code: "read-failed",
    say: (d) => `could not read${sayPath(d.path)}: ${d.reason}`,
    next: "Check that the input exists and can be read.",
  }

/** The medium of the output fails. */
export const WRITE_FAILED: ErrorRow<"write-failed", { path?: string; reason: string }> = {
  code: "write-failed",
  say: (d) => `could not write${sayPath(d.path)}: ${d.reason}`,
  next: "No incomplete file was left under the output's name. Check the folder, its permissions and the free space.",
}

/** The input is not what it was when reading began. */
export const INPUT_CHANGED: FaultRow<"input-changed"> = {
  code: "input-changed",
  next: "Convert again when nothing writes to the input any more.",
}

/** The file ends before something that it says it holds. */
export const TRUNCATED: ErrorRow<"truncated", { within?: string; at: number; wanted: number; got: number }> =
  {
    code: "truncated",
    say: (d) => `the file ends early: ${d.wanted} bytes wanted, ${d.got} there`,
    next: "The download or copy is incomplete: fetch the file again and compare its size.",
  }

/** Deflated bytes are broken, or inflate to another length than they are said to. */
export const INFLATE: FaultRow<"inflate"> = { code: "inflate", next: DAMAGED }

/** Bytes do not match the CRC-32 that the archive gives for them. */
export const CHECKSUM: ErrorRow<"checksum", { within: string; expected: number; actual: number }> = {
  code: "checksum",
  say: (d) =>
    `the bytes do not match their checksum (CRC-32 ${hex(d.actual)}, the archive says ${hex(d.expected)})`,
  next: /* @__PURE__ */ DAMAGED.concat(
    ' To convert it all the same, turn verification off (`verify: "none"`).',
  ),
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, "0")}`
}
