/**
 * Holds one case against the library and says what is wrong, if anything. It knows neither Node nor a test runner, so
 * that the same checks run in a page and in a worker.
 */

import type { AnyCheckpointError, ByteSink } from "../../src/index.ts"
import {
  checkSafetensors,
  isCheckpointError,
  readSafetensorsHeader,
  toSafetensors,
  toSafetensorsBlob,
  toSafetensorsBytes,
} from "../../src/index.ts"
import type { ExpectedError, HostileCase, HostileHeaderCase, LegalCase, LegalHeaderCase } from "./case.ts"
import { readOutput } from "./read-output.ts"

/** What is wrong; nothing when the case holds. */
export type Problems = readonly string[]

/** Anything that a terminal or a reader of text would not show as it is. Lists in messages begin lines with blanks. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u

/** The codes whose fault has no place in the file: they are about the whole of it, or about what was asked for. */
const PLACELESS: ReadonlySet<string> = new Set([
  "not-a-checkpoint",
  "unsupported-layout",
  "limit-exceeded",
  "zip-layout",
  "checksum",
  "pickle-cycle",
  "tensor-unsupported",
  "name-type",
  "name-encoding",
  "name-reserved",
  "name-duplicate",
  "no-tensors",
  "no-model",
  "root-ambiguous",
  "root-not-found",
  "read-failed",
  "input-changed",
])

/** A sink that notes what happens to it. */
class RecordingSink implements ByteSink {
  readonly randomAccess = false
  written = 0
  closed = 0
  aborted = 0

  async write(_position: number, bytes: Uint8Array): Promise<void> {
    this.written += bytes.byteLength
  }

  async close(): Promise<void> {
    this.closed += 1
  }

  async abort(): Promise<void> {
    this.aborted += 1
  }
}

/** The ways in which a file is converted. A source that is no bytes has no Blob. */
export const ROUTES = ["bytes", "sink", "blob"] as const

export type Route = (typeof ROUTES)[number]

/** A hostile file must be refused in every way in which it can be converted. */
export async function runHostile(given: HostileCase, routes: readonly Route[] = ROUTES): Promise<Problems> {
  const { expect, options = {}, whileMoving = false } = given
  const input = given.bytes()
  const problems: string[] = []
  const note = (route: string, found: Problems): void => {
    for (const problem of found) problems.push(`${route}: ${problem}`)
  }
  if (routes.includes("bytes")) note("bytes", await refused(() => toSafetensorsBytes(input, options), expect))
  if (routes.includes("sink")) {
    const sink = new RecordingSink()
    note("sink", await refused(() => toSafetensors(input, sink, options), expect))
    if (sink.closed > 0) problems.push("sink: the output was finished")
    if (sink.aborted !== 1) problems.push(`sink: the output was aborted ${sink.aborted} times`)
    if (sink.written > 0 && !whileMoving) problems.push(`sink: ${sink.written} bytes were written`)
  }
  if (routes.includes("blob") && input instanceof Uint8Array) {
    const blob = new Blob([input as Uint8Array<ArrayBuffer>])
    note("blob", await refused(() => toSafetensorsBlob(blob, options), expect))
  }
  return problems
}

/** A hostile safetensors file: one function throws its findings, the other returns them. */
export async function runHostileHeader({
  bytes,
  rules,
  at,
  limits = {},
}: HostileHeaderCase): Promise<Problems> {
  const input = bytes()
  const problems = [
    ...(await refused(() => readSafetensorsHeader(input, { limits }), { code: "safetensors-invalid", at })),
  ]
  const { valid, findings } = await checkSafetensors(input, { limits })
  const errors = findings.filter(({ severity }) => severity === "error")
  if (valid) problems.push("it is found valid")
  const found = errors.map(({ rule }) => rule).join(", ")
  if (found !== rules.join(", ")) problems.push(`it breaks ${found}, not ${rules.join(", ")}`)
  const placeless = findings.filter((finding) => finding.at === undefined)
  if (placeless.length > 0) problems.push(`${placeless.length} findings have no place`)
  for (const { problem } of findings) if (HIDDEN.test(problem)) problems.push("a finding shows hidden text")
  // What is no checkpoint is refused as an input for conversion too, whatever is wrong with it.
  const converted = await toSafetensorsBytes(input).then(
    () => "converted",
    (error: unknown) => error,
  )
  if (!isCheckpointError(converted)) problems.push(`as a checkpoint: ${String(converted)}`)
  return problems
}

/** An odd file must give exactly the tensors that it holds, whatever it is converted to. */
export async function runLegal({ bytes, tensors, options = {}, metadata }: LegalCase): Promise<Problems> {
  const input = bytes()
  const problems: string[] = []
  const wanted = tensors.map(showTensor).sort().join("\n")
  const wantedMetadata = JSON.stringify(Object.entries({ format: "pt", ...metadata }).sort())
  const check = (route: string, file: Uint8Array): void => {
    const output = readOutput(file)
    const found = output.tensors.map(showTensor).sort().join("\n")
    if (found !== wanted) problems.push(`${route}: it holds\n${found}\nnot\n${wanted}`)
    const foundMetadata = JSON.stringify(Object.entries(output.metadata).sort())
    if (foundMetadata !== wantedMetadata)
      problems.push(`${route}: metadata ${foundMetadata}, not ${wantedMetadata}`)
  }
  try {
    check("bytes", (await toSafetensorsBytes(input, options)).bytes)
    if (input instanceof Uint8Array) {
      const { blob } = await toSafetensorsBlob(new Blob([input as Uint8Array<ArrayBuffer>]), options)
      check("blob", new Uint8Array(await blob.arrayBuffer()))
    }
  } catch (error) {
    problems.push(error instanceof Error ? `${error.message}` : String(error))
  }
  return problems
}

/** An odd safetensors file must be found valid. */
export async function runLegalHeader({ bytes, tensorNames }: LegalHeaderCase): Promise<Problems> {
  const { valid, findings, header } = await checkSafetensors(bytes())
  const names = JSON.stringify([...(header?.tensors.keys() ?? [])])
  const problems = valid ? [] : [`it is found invalid: ${JSON.stringify(findings)}`]
  if (names !== JSON.stringify(tensorNames)) problems.push(`it holds ${names}`)
  return problems
}

function showTensor({ name, dtype, shape, bytes }: LegalCase["tensors"][number]): string {
  const shown = bytes.length > 64 ? `${bytes.length} bytes, sum ${sumOf(bytes)}` : [...bytes].join(" ")
  return `${JSON.stringify(name.slice(0, 100))} (${name.length}) ${dtype} [${shape.join(", ")}] ${shown}`
}

/** Adler's checksum, without its modulus: large files are only compared by it. */
function sumOf(bytes: Uint8Array): string {
  let a = 1
  let b = 0
  for (const byte of bytes) {
    a = (a + byte) % 65_521
    b = (b + a) % 65_521
  }
  return `${a}-${b}`
}

async function refused(convert: () => Promise<unknown>, expected: ExpectedError): Promise<Problems> {
  let error: unknown
  try {
    await convert()
    return ["it was accepted"]
  } catch (thrown) {
    error = thrown
  }
  if (!isCheckpointError(error)) {
    return [`it threw no CheckpointError but ${error instanceof Error ? error.stack : String(error)}`]
  }
  return [...compareError(error, expected), ...checkTexts(error)]
}

function compareError(error: AnyCheckpointError, expected: ExpectedError): Problems {
  const { code, at, within, limit, globals, names } = expected
  if (error.code !== code) return [`${error.code} instead of ${code}: ${error.message}`]
  const found = placeOf(error)
  const problems: string[] = []
  const compare = (what: string, actual: unknown, wanted: unknown): void => {
    if (wanted === undefined || JSON.stringify(actual) === JSON.stringify(wanted)) return
    problems.push(`${what} is ${JSON.stringify(actual)}, not ${JSON.stringify(wanted)}: ${error.message}`)
  }
  compare("at", found.at, at)
  compare("within", found.within, within)
  if (found.at === undefined && !PLACELESS.has(code)) problems.push(`it says no place: ${error.message}`)
  if (error.code === "limit-exceeded") compare("limit", error.detail.limit, limit)
  if (error.code === "global-not-allowed")
    compare(
      "globals",
      error.detail.globals.map((g) => g.global),
      globals,
    )
  if ("name" in error.detail) compare("name", [error.detail.name], names)
  if (error.code === "tensor-unsupported")
    compare(
      "names",
      error.detail.tensors.map((t) => t.name),
      names,
    )
  return problems
}

function placeOf(error: AnyCheckpointError): { at?: number | undefined; within?: string | undefined } {
  if (error.code === "global-not-allowed") {
    const [first] = error.detail.globals
    return { at: first?.at, within: first?.pickle }
  }
  if (error.code === "safetensors-invalid") return { at: error.detail.findings[0]?.at }
  const { detail } = error
  return {
    at: "at" in detail ? detail.at : undefined,
    within: "within" in detail ? detail.within : undefined,
  }
}

/** Texts must be there, and must show nothing of the file as it is. */
function checkTexts(error: AnyCheckpointError): Problems {
  const problems: string[] = []
  const { message, nextStep } = error
  if (message.trim() === "" || nextStep.trim() === "") problems.push("it has no text")
  for (const line of [...message.split(/\n {2}/), nextStep]) {
    if (HIDDEN.test(line)) problems.push(`it shows hidden text: ${JSON.stringify(line.slice(0, 200))}`)
    if (line.length > 1000) problems.push(`it shows a line of ${line.length} characters`)
  }
  const parsed: { code?: unknown; message?: unknown } = JSON.parse(JSON.stringify(error))
  if (parsed.code !== error.code || parsed.message !== message) problems.push("its JSON says something else")
  return problems
}
