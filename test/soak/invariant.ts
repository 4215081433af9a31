/**
 * What must hold of every mutant: it is refused with an error that the library documents, or what comes out is what an
 * independent slow reader makes of it.
 */

import {
  type ConvertOptions,
  checkSafetensors,
  isCheckpointError,
  openCheckpoint,
  parseSafetensorsHeader,
  readSafetensorsHeader,
  toSafetensorsBlob,
  toSafetensorsBytes,
} from "../../src/index.ts"
import type { Mutant } from "./mutate.ts"
import { slowHeader } from "./slow-header.ts"
import { slowConvert } from "./slow-reader.ts"

/** How a mutant ended. */
export type Verdict =
  | { readonly is: "refused"; readonly code: string }
  /** Accepted; `identical` when the output is that of the file it comes from. */
  | { readonly is: "accepted"; readonly identical: boolean; readonly output: Uint8Array }
  | { readonly is: "failed"; readonly why: string }

/** What is tested: the library, or something that must be found wrong. */
export interface Subject {
  readonly convert: (bytes: Uint8Array, options: ConvertOptions) => Promise<Uint8Array>
}

export const LIBRARY: Subject = {
  convert: async (bytes, options) => (await toSafetensorsBytes(bytes, options)).bytes,
}

/** Codes that speak of the caller, the medium or this library itself: no file in memory can be the cause. */
const IMPOSSIBLE: ReadonlySet<string> = new Set([
  ...[
    "invalid-argument",
    "read-failed",
    "write-failed",
    "output-exists",
    "output-is-input",
    "output-incomplete",
  ],
  ...["input-changed", "root-not-found", "tensors-shared"],
])

/** What makes the conversion, and how long it and its memory are watched. */
export interface Watch {
  readonly start: () => void
  readonly stop: () => void
}

const NO_WATCH: Watch = { start: () => {}, stop: () => {} }

/** Outputs of the unmutated files, by name and options. */
const originals = new Map<string, Uint8Array>()

export async function checkMutant(
  mutant: Mutant,
  subject: Subject = LIBRARY,
  watch = NO_WATCH,
): Promise<Verdict> {
  if (mutant.kind === "safetensors") return checkHeaderMutant(mutant, watch)
  const { bytes, options } = mutant
  // Nothing may be written into the input.
  const before = mutant.index % 16 === 0 ? Uint8Array.from(bytes) : bytes
  let output: Uint8Array
  watch.start()
  try {
    output = await subject.convert(bytes, options)
    watch.stop()
  } catch (error) {
    watch.stop()
    return refusal(error) ?? (mutant.index % 8 === 0 ? otherRoutes(mutant, undefined, error) : refused(error))
  }
  if (!same(before, bytes)) return failed("the input was changed")
  let expected: Uint8Array
  try {
    expected = slowConvert(bytes, options)
  } catch (error) {
    return failed(`accepted, but the slow reader says: ${text(error)}`)
  }
  if (!same(output, expected))
    return failed(`the output differs from the slow reader's ${difference(output, expected)}`)
  if (mutant.index % 4 === 0) {
    const verdict = await otherRoutes(mutant, output, undefined)
    if (verdict.is === "failed") return verdict
  }
  return { is: "accepted", identical: same(output, await originalOf(mutant)), output }
}

/** What is timed, and nothing else. */
export async function convertOnly({ kind, bytes, options }: Mutant, watch: Watch): Promise<void> {
  watch.start()
  try {
    if (kind === "safetensors") parseSafetensorsHeader(bytes, { fileByteLength: bytes.length })
    else await LIBRARY.convert(bytes, options)
  } catch {
    // How it ends was judged before.
  }
  watch.stop()
}

function failed(why: string): Verdict {
  return { is: "failed", why }
}

function refused(error: unknown): Verdict {
  return { is: "refused", code: isCheckpointError(error) ? error.code : "?" }
}

/** What is wrong with an error that was thrown; undefined for one that is as documented. */
function refusal(error: unknown): Verdict | undefined {
  if (!isCheckpointError(error)) return failed(`threw ${text(error)}`)
  const { code, message, nextStep } = error
  if (IMPOSSIBLE.has(code)) return failed(`refused with ${code}: ${message}`)
  if (message === "" || nextStep === "") return failed(`${code} says nothing`)
  // A message that shows text of the file must not carry control characters to a terminal, nor grow with the file.
  if (/[\0-\x09\x0b-\x1f\x7f-\x9f]/.test(message)) return failed(`${code} shows control characters`)
  if (message.length > 20_000) return failed(`${code} has a message of ${message.length} characters`)
  try {
    JSON.stringify(error)
  } catch (cause) {
    return failed(`${code} cannot be printed as JSON: ${text(cause)}`)
  }
  return undefined
}

/** The other ways to the same bytes, and what can be asked of an open checkpoint. */
async function otherRoutes(
  mutant: Mutant,
  output: Uint8Array | undefined,
  refusedWith: unknown,
): Promise<Verdict> {
  const { bytes, options } = mutant
  try {
    const { blob } = await toSafetensorsBlob(new Blob([Uint8Array.from(bytes)]), options)
    const blobBytes = new Uint8Array(await blob.arrayBuffer())
    if (output === undefined) return failed("the route over a Blob accepts what the other refuses")
    if (!same(blobBytes, output)) return failed("the route over a Blob gives other bytes")
  } catch (error) {
    const verdict = refusal(error)
    if (verdict !== undefined)
      return { is: "failed", why: `as a Blob: ${verdict.is === "failed" ? verdict.why : ""}` }
    // More is made than a Blob holds in memory, and Node has no file of the browser for it.
    const isTooMuch = isCheckpointError(error) && error.code === "blob-memory"
    if (output !== undefined && !isTooMuch) return failed(`the route over a Blob refuses: ${text(error)}`)
    if (isCheckpointError(error) && isCheckpointError(refusedWith) && error.code !== refusedWith.code) {
      return failed(`${refusedWith.code} as bytes, ${error.code} as a Blob`)
    }
  }
  const asked = await askAll(bytes)
  return asked ?? (output === undefined ? refused(refusedWith) : { is: "accepted", identical: false, output })
}

/** Every question to an open checkpoint is answered, or refused as documented. */
async function askAll(bytes: Uint8Array): Promise<Verdict | undefined> {
  try {
    const checkpoint = await openCheckpoint(bytes)
    const questions: (() => unknown)[] = [
      () => checkpoint.values,
      () => checkpoint.globals,
      () => checkpoint.plan({ root: "all" }),
      async () => {
        const [first] = checkpoint.tensors
        if (first !== undefined) await checkpoint.readTensor(first[0])
      },
    ]
    for (const ask of questions) {
      try {
        await ask()
      } catch (error) {
        const verdict = refusal(error)
        if (verdict !== undefined)
          return { is: "failed", why: `asked: ${verdict.is === "failed" ? verdict.why : ""}` }
      }
    }
    await checkpoint.close()
  } catch (error) {
    return refusal(error)
  }
  return undefined
}

async function originalOf({ origin, options }: Mutant): Promise<Uint8Array> {
  const key = `${origin.name} ${JSON.stringify(options)}`
  const known = originals.get(key)
  if (known !== undefined) return known
  // Under other options even a legal file may be refused.
  const output = await toSafetensorsBytes(origin.bytes, options).then(
    ({ bytes }) => bytes,
    () => new Uint8Array(0),
  )
  originals.set(key, output)
  return output
}

async function checkHeaderMutant({ bytes, origin }: Mutant, watch: Watch): Promise<Verdict> {
  const source = {
    byteLength: bytes.length,
    read: async (offset: number, length: number) => Uint8Array.from(bytes.subarray(offset, offset + length)),
  }
  watch.start()
  try {
    const expected = slowHeader(bytes)
    const { valid, findings, header } = await checkSafetensors(source)
    watch.stop()
    const rules = findings.map(({ rule, severity }) => `${severity} ${rule}`)
    JSON.stringify(findings)
    if (valid !== (expected.is === "valid")) {
      return failed(
        `says ${valid ? "valid" : rules.join(", ")}, but the slow reader ${JSON.stringify(expected)}`,
      )
    }
    if (valid !== (await reads(source)) || valid !== parses(bytes)) return failed("the three readers differ")
    if (expected.is !== "valid" || header === undefined) {
      return { is: "refused", code: rules.find((rule) => rule.startsWith("error ")) ?? "?" }
    }
    const tensors = Array.from(header.tensors, ([name, { dtype, shape, start, end }]) => {
      return [name, JSON.stringify([dtype, shape.map(String), String(start), String(end)])]
    })
    const read = JSON.stringify([tensors, [...(header.metadata ?? [])]])
    const slow = JSON.stringify([[...expected.tensors], [...expected.metadata]])
    if (read !== slow) return failed(`reads ${read}, the slow reader ${slow}`)
    return { is: "accepted", identical: same(bytes, origin.bytes), output: bytes }
  } catch (error) {
    watch.stop()
    return failed(`threw ${text(error)}`)
  }
}

async function reads(source: Parameters<typeof readSafetensorsHeader>[0]): Promise<boolean> {
  try {
    await readSafetensorsHeader(source)
    return true
  } catch (error) {
    if (isCheckpointError(error) && error.code === "safetensors-invalid" && error.message !== "") return false
    throw error
  }
}

function parses(bytes: Uint8Array): boolean {
  try {
    parseSafetensorsHeader(bytes, { fileByteLength: bytes.length })
    return true
  } catch (error) {
    if (isCheckpointError(error) && error.code === "safetensors-invalid") return false
    throw error
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || Buffer.compare(a, b) === 0
}

function text(error: unknown): string {
  return error instanceof Error
    ? (error.stack ?? error.message).split("\n").slice(0, 6).join(" | ")
    : String(error)
}

function difference(a: Uint8Array, b: Uint8Array): string {
  const at = b.findIndex((byte, i) => byte !== a[i])
  const heads = [a, b].map((bytes) => Buffer.from(bytes.subarray(8, 300)).toString("latin1"))
  return `at ${at} of ${b.length} (${a.length}): ${heads.join(" <> ")}`
}
