/**
 * The command as a process: killed, interrupted and let down at its file operations, in both ways of copying.
 *
 * A process takes a while to start, so `npm test` takes a part of the operations; a deep run takes each of them.
 */

import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { build } from "esbuild"
import { beforeAll, describe, expect, it } from "vitest"
import {
  buildCli,
  type Ending,
  midway,
  type Running,
  runShell,
  startScript,
  until,
} from "../cli/build-cli.ts"
import { ORACLE } from "../cli/run.ts"
import { DEEP, depth, sampled } from "../depth.ts"
import { expandingCheckpoint, largeCheckpoint } from "../node/legacy-checkpoint.ts"
import { temporaryFolders } from "../node/temporary-folder.ts"
import { writeCheckpoint } from "../property/checkpoint-writer.ts"
import { dtypeNamed } from "../property/dtypes.ts"
import { tensor } from "../property/model.ts"

const newFolder = temporaryFolders()
const INJECT = pathToFileURL(fileURLToPath(new URL("inject.mjs", import.meta.url))).href
const SMALL = readFileSync(join(ORACLE, "dtypes-zip-f32.pt"))
const SMALL_OUTPUT = readFileSync(join(ORACLE, "dtypes-zip-f32.safetensors"))
const LARGE_MIB = 64

let script = ""
let libraryScript = ""
let large = { input: "", output: Buffer.alloc(0) }
beforeAll(async () => {
  script = await buildCli(newFolder())
  const folder = newFolder()
  const input = join(folder, "large.pt")
  writeFileSync(input, largeCheckpoint(LARGE_MIB))
  await startScript(script, [input]).ended
  // Beside the threads' file, which it looks for there.
  libraryScript = join(dirname(script), "convert.js")
  await bundleLibrary(
    `toSafetensors(process.argv[2], process.argv[3]).catch((error) => {
      console.error(error.message)
      process.exit(3)
    })`,
    { outfile: libraryScript, format: "esm" },
  )
  large = { input, output: readFileSync(join(folder, "large.safetensors")) }
})

/** One file of a script that has `toSafetensors`. */
async function bundleLibrary(
  contents: string,
  target: { readonly outfile: string; readonly format: "cjs" | "esm" },
): Promise<void> {
  const entry = fileURLToPath(new URL("../../src/node/index.ts", import.meta.url))
  await build({
    stdin: {
      contents: `import { toSafetensors } from ${JSON.stringify(entry)}\n${contents}`,
      resolveDir: dirname(target.outfile),
    },
    bundle: true,
    platform: "node",
    logLevel: "error",
    nodePaths: [fileURLToPath(new URL("../../node_modules", import.meta.url))],
    ...target,
  })
}

interface Fault {
  readonly FAULT: string
  readonly FAULT_AT?: string
  readonly FAULT_THREAD_AT?: string
  readonly FAULT_OP?: string
  readonly FAULT_FILE?: string
  readonly FAULT_TRACE?: string
}

interface Place {
  readonly folder: string
  readonly output: string
  readonly input: string
}

function smallPlace(): Place {
  const folder = newFolder()
  const input = join(folder, "model.pt")
  writeFileSync(input, SMALL)
  return { folder, input, output: join(folder, "model.safetensors") }
}

/** The input stands elsewhere. */
function largePlace(): Place {
  const folder = newFolder()
  return { folder, input: large.input, output: join(folder, "model.safetensors") }
}

function start(argv: readonly string[], fault: Partial<Fault> = {}): Running {
  return startScript(script, argv, { NODE_OPTIONS: `--import=${INJECT}`, ...fault })
}

/** Names of the file operations of a run that goes well. */
async function operationsOf(
  { input, output }: Place,
  more: readonly string[] = [],
): Promise<readonly string[]> {
  const { stderr, code } = await start([input, "-o", output, "--quiet", ...more], { FAULT_TRACE: "2" }).ended
  expect(code).toBe(0)
  return stderr.trim().split("\n")
}

/** Runs these, a few at a time. */
async function inLanes(jobs: readonly (() => Promise<void>)[]): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    for (let job = jobs[next++]; job !== undefined; job = jobs[next++]) await job()
  }
  await Promise.all([lane(), lane(), lane()])
}

const leftIn = (folder: string): readonly string[] =>
  readdirSync(folder).filter((name) => name !== "model.pt" && name !== "model.safetensors")

/** Holds the output against what it may be. */
function expectWhole(output: string, whole: Uint8Array, context: string): void {
  if (!existsSync(output)) return
  const found = readFileSync(output)
  expect(found.toString("latin1") === "precious" || Buffer.compare(found, whole) === 0, context).toBe(true)
}

/** No stack, no unhandled rejection, a code that says what happened. */
function expectOrderly({ stderr, code }: Ending, codes: readonly number[], context: string): void {
  expect(stderr, context).not.toMatch(/^ +at |UNHANDLED|Warning/m)
  expect(codes, `${context}: ${stderr}`).toContain(code)
}

const posix = process.platform !== "win32"

describe.skipIf(!posix).each(["new", "forced over another"])("a small output, %s,", (kind) => {
  const more = kind === "new" ? [] : ["--force"]
  const place = (): Place => {
    const made = smallPlace()
    if (kind !== "new") writeFileSync(made.output, "precious")
    return made
  }

  async function atEveryOperation(
    fault: string,
    check: (place: Place, ending: Ending, context: string) => Promise<void> | void,
  ): Promise<void> {
    const operations = await operationsOf(place(), more)
    expect(operations).toContain(kind === "new" ? "link" : "rename")
    // The last ones make the output appear.
    const taken = (at: number): boolean => DEEP || at === fault.length || at > operations.length - 3
    await inLanes(
      [...operations.entries()]
        .filter(([at]) => taken(at))
        .map(([at, operation]) => async () => {
          const given = place()
          const running = start([given.input, "-o", given.output, ...more], {
            FAULT: fault,
            FAULT_AT: String(at),
          })
          await check(given, await running.ended, `${fault} at ${operation}, number ${at}`)
        }),
    )
  }

  it.runIf(DEEP || kind === "new")(
    "is whole or not there after SIGKILL at every operation, and a later run does not trip",
    async () => {
      await atEveryOperation("SIGKILL", async ({ folder, input, output }, ending, context) => {
        expect(ending.signal, context).toBe("SIGKILL")
        expectWhole(output, SMALL_OUTPUT, context)
        expect(existsSync(output) || kind === "new", context).toBe(true)
        const left = leftIn(folder)
        for (const name of left) expect(name).toMatch(/^\.model\.safetensors\.[0-9a-z]+-[0-9a-z]+\.tmp$/)
        if (!DEEP && left.length === 0) return
        const again = await start([input, "-o", output, "--force"]).ended
        expectOrderly(again, [0], context)
        expect(Buffer.compare(readFileSync(output), SMALL_OUTPUT), context).toBe(0)
        expect(leftIn(folder)).toEqual(left)
      })
    },
  )

  const signals = [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const
  it.each(signals.filter(([, code]) => DEEP || (code === 130 && kind === "new")))(
    "leaves nothing after %s at every operation",
    async (signal, code) => {
      await atEveryOperation(signal, ({ folder, output }, ending, context) => {
        expectOrderly(ending, [code, 0], context)
        expect(leftIn(folder), context).toEqual([])
        expectWhole(output, SMALL_OUTPUT, context)
        if (ending.code === 0) expect(Buffer.compare(readFileSync(output), SMALL_OUTPUT), context).toBe(0)
        else expect(existsSync(output) && kind === "new", context).toBe(false)
      })
    },
  )

  it.runIf(DEEP || kind !== "new")("leaves nothing when any operation fails, and says so", async () => {
    await atEveryOperation("EIO", ({ folder, output }, ending, context) => {
      expectOrderly(ending, [0, 3], context)
      expect(leftIn(folder), context).toEqual([])
      expectWhole(output, SMALL_OUTPUT, context)
    })
  })
})

describe.skipIf(!posix)("an output that threads copy", () => {
  const THREAD_FAULTS: readonly (readonly [fault: Fault, code: number, message: RegExp])[] = [
    [{ FAULT: "EIO", FAULT_OP: "readSync" }, 3, /could not read.*EIO/],
    [{ FAULT: "ENOSPC", FAULT_OP: "writeSync" }, 3, /could not write.*the disk is full/],
    [{ FAULT: "EDQUOT", FAULT_OP: "writeSync" }, 3, /could not write.*quota/],
    [{ FAULT: "zero", FAULT_OP: "writeSync" }, 3, /could not write/],
    [{ FAULT: "truncate", FAULT_OP: "readSync" }, 3, /had \d+ bytes and has \d+ now/],
    [{ FAULT: "grow", FAULT_OP: "writeSync" }, 3, /had \d+ bytes and has \d+ now/],
    [{ FAULT: "rewrite", FAULT_OP: "readSync" }, 3, /was written to while it was read/],
  ]

  it.each(sampled(THREAD_FAULTS, 2))("ends and leaves nothing: %j", async (fault, code, message) => {
    const changesInput = ["truncate", "grow", "rewrite"].includes(fault.FAULT)
    const moments = changesInput || !DEEP ? ["100"] : ["0", "1", "100", "200"]
    await inLanes(
      moments.map((at) => async () => {
        const { folder, output, ...given } = largePlace()
        let { input } = given
        if (changesInput) {
          input = join(folder, "model.pt")
          writeFileSync(input, readFileSync(large.input))
        }
        const ending = await start([input, "-o", output], {
          ...fault,
          FAULT_THREAD_AT: at,
          FAULT_FILE: input,
        }).ended
        expectOrderly(ending, [code], `at ${at}`)
        expect(ending.stderr).toMatch(message)
        expect(leftIn(folder)).toEqual([])
        expect(existsSync(output)).toBe(false)
      }),
    )
  })

  it.runIf(DEEP)("is made without threads where a bundle has none, in one file of CommonJS", async () => {
    const { input, output } = largePlace()
    const bundle = join(newFolder(), "bundle.cjs")
    await bundleLibrary("toSafetensors(process.argv[2], process.argv[3])", {
      outfile: bundle,
      format: "cjs",
    })
    expectOrderly(await startScript(bundle, [input, output]).ended, [0], "bundled")
    expect(Buffer.compare(readFileSync(output), large.output)).toBe(0)
  })

  const ENDS: readonly Fault[] = [
    { FAULT: "exit-at-start" },
    ...depth({ quick: ["1"], deep: ["0", "1", "40"] }).flatMap((at) => [
      { FAULT: "exit", FAULT_OP: "readSync", FAULT_THREAD_AT: at },
      { FAULT: "exit", FAULT_OP: "writeSync", FAULT_THREAD_AT: at },
      { FAULT: "crash", FAULT_OP: "writeSync", FAULT_THREAD_AT: at },
    ]),
  ]

  it.each(sampled(ENDS, 1))("is made by the command alone once its thread has ended: %j", async (fault) => {
    const { folder, input, output } = largePlace()
    const ending = await start([input, "-o", output], fault).ended
    expectOrderly(ending, [0], "a thread that ends")
    expect(leftIn(folder)).toEqual([])
    expect(Buffer.compare(readFileSync(output), large.output)).toBe(0)
  })

  it.each(sampled(ENDS, 1))(
    "is given up, and nothing left, by a script whose threads end: %j",
    async (fault) => {
      const { folder, input, output } = largePlace()
      const options = { NODE_OPTIONS: `--import=${INJECT}`, ...fault }
      const ending = await startScript(libraryScript, [input, output], options).ended
      // A thread that has done all of its work may end as it likes.
      if (fault.FAULT === "crash" && ending.code === 0) return expectWhole(output, large.output, "late")
      expectOrderly(ending, [3], "threads that end")
      expect(ending.stderr).toMatch(/a copying thread ended|told to crash/)
      expect(leftIn(folder)).toEqual([])
      expect(existsSync(output)).toBe(false)
    },
  )

  it.each(sampled(["SIGKILL", "SIGINT"] as const, 1))(
    "is whole or not there after %s at any point of the copying",
    async (signal) => {
      await inLanes(
        (DEEP ? ["0", "10", "60", "120", "180", "240"] : ["120"]).map((at) => async () => {
          const { folder, input, output } = largePlace()
          const ending = await start([input, "-o", output], {
            FAULT: signal,
            FAULT_THREAD_AT: at,
            FAULT_OP: "writeSync",
          }).ended
          expectWhole(output, large.output, `${signal} at ${at}`)
          if (signal === "SIGKILL") return
          expectOrderly(ending, [130, 0], `at ${at}`)
          expect(leftIn(folder)).toEqual([])
        }),
      )
    },
  )
})

describe.skipIf(!posix)("an interruption", () => {
  /** A conversion to a gigabyte, whose clean-up never ends; resolves midway. */
  async function stuck(): Promise<Place & { readonly running: Running }> {
    const folder = newFolder()
    const input = join(folder, "model.pt")
    const output = join(folder, "model.safetensors")
    writeFileSync(input, expandingCheckpoint(1))
    const running = start([input, "-o", output, "--limit", "outputFloorBytes=9000000000"], {
      FAULT: "pause",
      FAULT_OP: "rm",
      FAULT_AT: "0",
      FAULT_TRACE: "2",
    })
    await midway(folder, running)
    return { folder, input, output, running }
  }

  it("that is repeated while the first one cleans up ends it at once, and leaves nothing", async () => {
    const { folder, running } = await stuck()
    running.kill("SIGINT")
    await until(() => /^rm$/m.test(running.said()), running)
    running.kill("SIGTERM")
    expect(await running.ended).toMatchObject({ code: 143, signal: null })
    expect(leftIn(folder)).toEqual([])
  })

  it.runIf(DEEP)("ends a clean-up that does not come to an end, and leaves nothing", async () => {
    const { folder, running } = await stuck()
    running.kill("SIGINT")
    expect(await running.ended).toMatchObject({ code: 130, signal: null })
    expect(leftIn(folder)).toEqual([])
  })

  const waiting = [
    ["a conversion", '"$INPUT" -o - --limit outputFloorBytes=9000000000'],
    ["a listing", 'inspect "$LISTED" --json'],
  ] as const
  it.each(sampled(waiting, 1))("ends %s that waits for a pipe which nobody reads", (_, words) => {
    const folder = newFolder()
    const input = join(folder, "model.pt")
    writeFileSync(input, expandingCheckpoint(1))
    const listed = join(folder, "listed.pt")
    const scalar = tensor(dtypeNamed("float32"), [])
    writeFileSync(
      listed,
      writeCheckpoint(new Map(Array.from({ length: 3000 }, (_, i) => [`name${i}`, scalar]))),
    )
    const argv = words.replace("$INPUT", input).replace("$LISTED", listed)
    // The shell holds the pipe open and takes one byte: more does not go into it than it has room for.
    const line = `mkfifo "${folder}/pipe"; $CLI ${argv} > "${folder}/pipe" & command=$!
      exec 3< "${folder}/pipe"; head -c 1 <&3 > "${folder}/head"
      kill -TERM $command; wait $command; echo "exit $?"`
    expect(runShell(script, line).stdout.toString()).toBe("exit 143\n")
  })
})

describe.skipIf(!posix)("a pipe whose reader has gone", () => {
  it("keeps no conversion to a file from being done", () => {
    const { input, output, folder } = smallPlace()
    const pipe = join(folder, "pipe")
    for (const more of sampled(["", "--json"], 1)) {
      const { stderr } = runShell(
        script,
        `mkfifo "${pipe}"; exec 3<> "${pipe}" 4> "${pipe}" 3<&-; rm "${pipe}"
        $CLI "${input}" -o "${output}" --force ${more} >&4; echo "exit $?" >&2`,
      )
      expect(stderr).toBe("exit 0\n")
      expect(Buffer.compare(readFileSync(output), SMALL_OUTPUT)).toBe(0)
    }
    expect(leftIn(folder)).toEqual([])
  })

  it.runIf(DEEP)("ends a conversion into it with an I/O failure", () => {
    const folder = newFolder()
    const line = `{ $CLI "${large.input}" -o -; echo "exit $?" >&2; } | head -c 100 > "${folder}/head"`
    const { stderr } = runShell(script, line)
    expect(stderr).toContain("EPIPE")
    expect(stderr).toContain("exit 3\n")
    expect(Buffer.compare(readFileSync(`${folder}/head`), large.output.subarray(0, 100))).toBe(0)
  })
})

describe.skipIf(!existsSync("/proc/self/mem"))("an input that cannot be read", () => {
  const inputs = [
    ["a folder", '"$FOLDER"', 3],
    ["a folder as standard input", '- -o "$FOLDER/out" < "$FOLDER"', 3],
    ["memory", '/proc/self/mem -o "$FOLDER/out"', 1],
    ["memory as standard input", '- -o "$FOLDER/out" < /proc/self/mem', 1],
    ["a closed standard input", '- -o "$FOLDER/out" <&-', 1],
    ["a device that is empty", '- -o "$FOLDER/out" < /dev/null', 1],
  ] as const
  it.each(sampled(inputs, 2))("is an error with a code: %s", (_, words, code) => {
    const folder = newFolder()
    const argv = words.replaceAll("$FOLDER", folder)
    const ending = runShell(script, `$CLI ${argv}`)
    expectOrderly(ending, [code], words)
    expect(readdirSync(folder)).toEqual([])
  })
})

describe.skipIf(!posix)("an output that somebody else makes meanwhile", () => {
  it("is kept, also while threads copy", async () => {
    const { folder, input, output } = largePlace()
    // Made by the thread itself, in the middle of its work.
    const fault = { FAULT: "make", FAULT_FILE: output, FAULT_THREAD_AT: "100", FAULT_OP: "writeSync" }
    const ending = await start([input, "-o", output], fault).ended
    expectOrderly(ending, [1], "made")
    expect(ending.stderr).toContain("output-exists")
    expect(readFileSync(output, "utf8")).toBe("precious")
    rmSync(output)
    expect(leftIn(folder)).toEqual([])
  })
})
