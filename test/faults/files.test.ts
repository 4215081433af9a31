/** Every operation on a file fails, or comes at a bad moment: the output is whole or not there, and nothing stays open. */

import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { isCheckpointError, toSafetensors, toSafetensorsBytes } from "../../src/node/index.ts"
import { settle, streamOf } from "../api/sample.ts"
import { DEEP, sampled } from "../depth.ts"
import { legacyCheckpoint } from "../node/legacy-checkpoint.ts"
import { refusal } from "../node/refusal.ts"
import { temporaryFolders } from "../node/temporary-folder.ts"
import { interceptFiles, type Strike, systemError } from "./file-operations.ts"
import { type Ending, endingOf, openFiles, VERBS } from "./verbs.ts"

const newFolder = temporaryFolders()

/** Legacy: no checksum guards these bytes, so a mixture of two files would pass unseen. Two chunks. */
const OLD = legacyCheckpoint({ storageElements: 300_000, shape: [300_000], strides: [1] })
const OLD_OUTPUT = (await toSafetensorsBytes(OLD)).bytes
/** The same length, and every byte of the weights another. */
const NEW = OLD.map((byte, index) => (index < 1000 ? byte : byte ^ 0xff))
const NEW_OUTPUT = (await toSafetensorsBytes(NEW)).bytes

let spoolFolder = ""
beforeEach(() => {
  spoolFolder = newFolder()
  vi.stubEnv("TMPDIR", spoolFolder)
})
afterEach(() => {
  vi.unstubAllEnvs()
  expect(readdirSync(spoolFolder), "temporary files that are left").toEqual([])
})

interface Place {
  readonly folder: string
  readonly input: string
  readonly output: string
}

function newPlace(): Place {
  const folder = newFolder()
  const input = join(folder, "model.pt")
  writeFileSync(input, OLD)
  // A change must be seen by its time even where the system's clock for files is coarse.
  utimesSync(input, 1_000_000_000, 1_000_000_000)
  return { folder, input, output: join(folder, "model.safetensors") }
}

type Conversion = (place: Place, signal?: AbortSignal) => Promise<Uint8Array>

const VERBS_ON_FILES = Array.from(VERBS, ([name, verb]): [string, Conversion] => [
  name,
  ({ input, output }, signal) => verb({ input, output, signal }),
])

/** Those that reach the file in ways of their own. */
const VERBS_THAT_DIFFER = VERBS_ON_FILES.filter(([name]) => !/Bytes|Blob/.test(name))

/** Ways from file to file; the first is the one that is used most. */
const CONVERSIONS: readonly (readonly [string, Conversion])[] = [
  ...VERBS_ON_FILES,
  [
    "toSafetensors over a file",
    async ({ input, output }, signal) => {
      if (!existsSync(output)) writeFileSync(output, "precious")
      await toSafetensors(input, output, { overwrite: true, ...(signal === undefined ? {} : { signal }) })
      return readFileSync(output)
    },
  ],
  [
    "toSafetensors of a stream",
    async ({ output }, signal) => {
      await toSafetensors(streamOf(OLD, 700_000), output, signal === undefined ? {} : { signal })
      return readFileSync(output)
    },
  ],
]

/** Runs `convert` with `act` in place of operation number `at`, and returns its end and how many there were. */
async function runWith(
  convert: Conversion,
  place: Place,
  { at, act, signal }: { readonly at: number; readonly act: Strike; readonly signal?: AbortSignal },
): Promise<{ ending: Ending; operations: readonly string[] }> {
  const operations: string[] = []
  const restore = await interceptFiles((operation) => {
    operations.push(operation)
    return operations.length - 1 === at ? act(operation) : undefined
  })
  try {
    const ending = await endingOf(convert(place, signal))
    await settle()
    return { ending, operations }
  } finally {
    restore()
  }
}

/** What the folder may hold: nothing but the input, a whole output, and what was there before. */
function expectWhole({ folder, output }: Place, ending: Ending, allowed: readonly Uint8Array[]): void {
  expect(openFiles(folder), "files that are open").toEqual([])
  expect(openFiles(spoolFolder), "spooled files that are open").toEqual([])
  const others = readdirSync(folder).filter((name) => !["model.pt", "model.safetensors"].includes(name))
  expect(others).toEqual([])
  if (!existsSync(output)) return
  const found = readFileSync(output)
  const intact = "error" in ending && found.toString("latin1") === "precious"
  const whole = allowed.some((bytes) => Buffer.compare(found, bytes) === 0)
  expect(intact || whole, "the output is whole").toBe(true)
}

function removeTemporary({ folder }: Place, spool: string): void {
  for (const name of readdirSync(folder)) if (name.endsWith(".tmp")) rmSync(join(folder, name))
  for (const name of readdirSync(spool)) rmSync(join(spool, name), { recursive: true })
}

const FAILS: readonly (readonly [string, Strike])[] = [
  [
    "fails",
    () => {
      throw systemError("EIO")
    },
  ],
  [
    "takes or gives nothing",
    (name) => (["read", "write"].includes(name) ? { answer: { bytesRead: 0, bytesWritten: 0 } } : undefined),
  ],
]

/** Moments with their operations: all in a deep run, otherwise the first of each operation. */
function moments(operations: readonly string[]): readonly (readonly [at: number, operation: string])[] {
  const isTaken = (at: number, operation: string): boolean => DEEP || operations.indexOf(operation) === at
  return [...operations.entries()].filter(([at, operation]) => isTaken(at, operation))
}

describe.each(sampled(CONVERSIONS, 4))("%s", (_, convert) => {
  it("survives every operation that fails", async () => {
    const clean = newPlace()
    const { ending, operations } = await runWith(convert, clean, { at: -1, act: () => undefined })
    if ("error" in ending) throw ending.error
    for (const [what, act] of FAILS) {
      for (const [at, operation] of moments(operations)) {
        const place = newPlace()
        const found = (await runWith(convert, place, { at, act })).ending
        const context = `${operation}, number ${at}, ${what}`
        // An output that stands has a second name then, until the process ends.
        if (operation === "rm") removeTemporary(place, spoolFolder)
        if ("error" in found) expect(isCheckpointError(found.error), `${context}: ${found.error}`).toBe(true)
        else expect(Buffer.compare(found.bytes, ending.bytes), context).toBe(0)
        expectWhole(place, found, [OLD_OUTPUT])
      }
    }
  })

  it("ends with the signal's reason at every operation, and leaves nothing", async () => {
    const { operations, ending } = await runWith(convert, newPlace(), { at: -1, act: () => undefined })
    if ("error" in ending) throw ending.error
    for (const [at, operation] of moments(operations)) {
      const place = newPlace()
      const controller = new AbortController()
      const reason = { at }
      const act: Strike = () => void controller.abort(reason)
      const found = (await runWith(convert, place, { at, act, signal: controller.signal })).ending
      const context = `${operation}, number ${at}`
      // Past the last look at the signal, what is done is done.
      if ("error" in found) expect(found.error, context).toBe(reason)
      else expect(Buffer.compare(found.bytes, ending.bytes), context).toBe(0)
      if ("error" in found && existsSync(place.output)) {
        expect(readFileSync(place.output, "latin1"), context).toBe("precious")
      }
      expectWhole(place, found, [OLD_OUTPUT])
    }
  })
})

const CHANGES: readonly (readonly [string, (input: string) => void])[] = [
  ["truncated", (input) => truncateSync(input, 400_000)],
  ["longer", (input) => appendFileSync(input, "more")],
  ["rewritten", (input) => writeFileSync(input, NEW, { flag: "r+" })],
  ["rewritten from empty", (input) => writeFileSync(input, NEW)],
  [
    "replaced",
    (input) => {
      writeFileSync(`${input}.new`, NEW)
      renameSync(`${input}.new`, input)
    },
  ],
  ["deleted", (input) => rmSync(input)],
]

describe.each(sampled(CHANGES, 3))("an input that is %s meanwhile", (change, make) => {
  it.each(VERBS_THAT_DIFFER)(
    "is refused or converted as one of the two, never as a mixture: %s",
    async (name, convert) => {
      const clean = await runWith(convert, newPlace(), { at: -1, act: () => undefined })
      const allowed = await Promise.all(
        [OLD, NEW].map(async (bytes) => {
          const place = newPlace()
          writeFileSync(place.input, bytes)
          return convert(place)
        }),
      )
      for (const [at, operation] of moments(clean.operations)) {
        const place = newPlace()
        const { ending } = await runWith(convert, place, { at, act: () => void make(place.input) })
        const context = `${change} at ${operation}, number ${at}, ${name}`
        if ("error" in ending) {
          const { error } = ending
          expect(isCheckpointError(error), `${context}: ${error}`).toBe(true)
          // Before it is opened it is simply another file.
          const opened = clean.operations.indexOf("stat") < at
          if (opened) expect(error, context).toMatchObject({ code: "input-changed" })
        } else {
          const same = allowed.some((bytes) => Buffer.compare(bytes, ending.bytes) === 0)
          expect(same, context).toBe(true)
        }
        expectWhole(place, ending, [OLD_OUTPUT, NEW_OUTPUT])
      }
    },
  )
})

describe("an output", () => {
  it("whose folder is deleted meanwhile is refused", async () => {
    const input = newPlace().input
    const folder = newFolder()
    const output = join(folder, "inner", "model.safetensors")
    mkdirSync(join(folder, "inner"))
    const onProgress = (): void => rmSync(join(folder, "inner"), { recursive: true, force: true })
    expect((await refusal(toSafetensors(input, output, { onProgress }))).code).toBe("write-failed")
    expect(readdirSync(folder)).toEqual([])
    expect(openFiles(folder)).toEqual([])
  })

  it("over which a folder appears meanwhile is refused, with overwrite too", async () => {
    const { folder, input, output } = newPlace()
    const onProgress = (): void => void mkdirSync(join(output, "inner"), { recursive: true })
    for (const overwrite of [false, true]) {
      const error = await refusal(toSafetensors(input, output, { overwrite, onProgress }))
      expect(error.code).toBe(overwrite ? "write-failed" : "output-exists")
      expect(readdirSync(folder)).toEqual(["model.pt", "model.safetensors"])
      rmSync(output, { recursive: true })
    }
  })

  it("that two conversions write at once is one of theirs, whole, and the other is refused", async () => {
    const { folder, input, output } = newPlace()
    const runs = await Promise.allSettled(Array.from({ length: 5 }, () => toSafetensors(input, output)))
    expect(runs.filter(({ status }) => status === "fulfilled")).toHaveLength(1)
    for (const run of runs) {
      if (run.status === "rejected") expect(run.reason).toMatchObject({ code: "output-exists" })
    }
    expect(Buffer.compare(readFileSync(output), OLD_OUTPUT)).toBe(0)
    expect(readdirSync(folder)).toEqual(["model.pt", "model.safetensors"])
  })

  it("on a file system without hard links is renamed, and still keeps what is there", async () => {
    const { folder, input, output } = newPlace()
    let fails = 0
    const strike: Strike = (operation) => {
      if (operation !== "link") return undefined
      fails += 1
      throw systemError("EPERM")
    }
    const restore = await interceptFiles(strike)
    try {
      const onProgress = (): void => writeFileSync(output, "precious")
      expect((await refusal(toSafetensors(input, output, { onProgress }))).code).toBe("output-exists")
      expect(readFileSync(output, "utf8")).toBe("precious")
      rmSync(output)
      await toSafetensors(input, output)
      expect(Buffer.compare(readFileSync(output), OLD_OUTPUT)).toBe(0)
      expect(fails).toBe(2)
    } finally {
      restore()
    }
    expect(readdirSync(folder)).toEqual(["model.pt", "model.safetensors"])
  })
})
