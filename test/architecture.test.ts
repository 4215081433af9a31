/** Holds the source to its plan: which room may import which, no cycles, no long files, nothing that runs text. */

import { readdirSync, readFileSync } from "node:fs"
import { isBuiltin } from "node:module"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import ts from "typescript"
import { describe, expect, it } from "vitest"
import packageJson from "../package.json"

const ROOT = fileURLToPath(new URL("../src", import.meta.url))

/** What every room may import, and what imports only one another. */
const LEAVES = ["errors", "limits", "text"]

/** Where each room says what its errors mean, and what puts them all together. The command line throws some of them. */
const ROWS = /^[a-z]+\/errors\.ts$/
const ALL_ROWS = "errors/all-errors.ts"

const LIBRARY = [
  "bytes",
  "http",
  "opfs",
  "archive",
  "pickle",
  "safetensors",
  "strided",
  "tensors",
  "torch",
  "plan",
  "checkpoint",
  "transfer",
  "layouts",
  "audit",
  "api",
]

/** What each room may import besides itself and the leaves. "types of x" allows `import type` alone. */
const EDGES: ReadonlyMap<string, readonly string[]> = new Map([
  ...LEAVES.map((room): [string, string[]] => [room, []]),
  ["bytes", []],
  ["http", ["bytes"]],
  ["opfs", ["bytes"]],
  ["archive", ["bytes"]],
  ["pickle", ["bytes"]],
  ["safetensors", ["bytes"]],
  ["strided", ["bytes"]],
  ["tensors", ["types of safetensors", "strided", "bytes"]],
  ["torch", ["archive", "pickle", "tensors", "strided", "bytes"]],
  // It plans tensors, wherever they come from: nothing of torch, of pickles or of archives.
  ["plan", ["tensors", "safetensors", "strided", "bytes"]],
  ["checkpoint", ["plan", "torch", "pickle", "safetensors", "tensors", "strided", "bytes"]],
  ["transfer", ["types of plan", "safetensors", "strided", "bytes"]],
  ["layouts", ["torch", "safetensors", "archive", "pickle", "tensors", "bytes"]],
  ["audit", ["layouts", "checkpoint", "torch", "pickle", "bytes"]],
  ["api", LIBRARY],
  ["index.ts", LIBRARY],
  ["node", [...LIBRARY, "index.ts"]],
  ["cli", ["node", "package.json"]],
])

/** Where the library begins. Only these files re-export for others. */
const ENTRIES = ["index.ts", "node/index.ts"]

/** What the command line needs of the library beyond the public entry. */
const FOR_COMMAND_LINE = ["node/for-command-line.ts", "node/texts-for-command-line.ts"]

/** Packages that are in the bundle of the command line and nowhere else, so nobody installs them. */
const BUNDLED = ["fast-string-width", "fast-wrap-ansi"]

/** Rooms that run in Node alone; everything else runs in browsers too. */
const NODE_ROOMS = ["node", "cli"]

/** Files above the cap, and why. */
const LONG_FILES: ReadonlyMap<string, string> = new Map<string, string>([
  ["audit/dangers-of-packages.ts", "a table: one row is a reason, and many packages have one each"],
])
const MOST_LINES = 300

/** Names that say nothing about what a file owns. */
const NAMELESS = /^(utils?|helpers?|misc|common|shared|index)$/

/** What only the command line may say: `--root`, `inspect`. */
const OF_THE_COMMAND = /(?:^|[\s("`])--[a-z]|`(?:convert|inspect|verify|tosafetensors)`/

interface Import {
  readonly specifier: string
  readonly typeOnly: boolean
}

interface SourceFile {
  /** Path below `src`, with slashes. */
  readonly path: string
  readonly room: string
  readonly lines: number
  readonly imports: readonly Import[]
  /** Pieces of text that it holds. */
  readonly texts: readonly string[]
  /** Expressions that would run text as code, or load what only the running program knows. */
  readonly runsText: readonly string[]
}

function readSource(file: string): SourceFile {
  const path = relative(ROOT, file).replaceAll("\\", "/")
  const text = readFileSync(file, "utf8")
  const imports: Import[] = []
  const texts: string[] = []
  const runsText: string[] = []
  const visit = (node: ts.Node): void => {
    const found = importOf(node)
    if (found !== undefined) imports.push(found)
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)) {
      texts.push(node.text)
    }
    if (doesRunText(node)) runsText.push(node.getText(tree).slice(0, 80))
    ts.forEachChild(node, visit)
  }
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.ESNext, true)
  visit(tree)
  return { path, room: roomOf(path), lines: text.trimEnd().split("\n").length, imports, texts, runsText }
}

function importOf(node: ts.Node): Import | undefined {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    return { specifier: node.moduleSpecifier.text, typeOnly: isTypeOnly(node.importClause) }
  }
  if (
    ts.isExportDeclaration(node) &&
    node.moduleSpecifier !== undefined &&
    ts.isStringLiteral(node.moduleSpecifier)
  ) {
    return { specifier: node.moduleSpecifier.text, typeOnly: node.isTypeOnly }
  }
  if (
    ts.isImportTypeNode(node) &&
    ts.isLiteralTypeNode(node.argument) &&
    ts.isStringLiteral(node.argument.literal)
  ) {
    return { specifier: node.argument.literal.text, typeOnly: true }
  }
  const [specifier] = dynamicImportArguments(node) ?? []
  if (specifier === undefined || !ts.isStringLiteral(specifier)) return undefined
  return { specifier: specifier.text, typeOnly: false }
}

function isTypeOnly(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false
  if (clause.isTypeOnly) return true
  const { namedBindings } = clause
  if (clause.name !== undefined || namedBindings === undefined || !ts.isNamedImports(namedBindings))
    return false
  return namedBindings.elements.length > 0 && namedBindings.elements.every((element) => element.isTypeOnly)
}

function dynamicImportArguments(node: ts.Node): readonly ts.Expression[] | undefined {
  const isImport = ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
  return isImport ? node.arguments : undefined
}

function doesRunText(node: ts.Node): boolean {
  const imported = dynamicImportArguments(node)
  if (imported !== undefined) return imported[0] === undefined || !ts.isStringLiteral(imported[0])
  if (ts.isIdentifier(node) && node.text === "eval") return true
  if (!ts.isCallExpression(node) && !ts.isNewExpression(node)) return false
  const { expression } = node
  if (ts.isIdentifier(expression)) return expression.text === "Function"
  return (
    ts.isPropertyAccessExpression(expression) && ["Function", "constructor"].includes(expression.name.text)
  )
}

function roomOf(path: string): string {
  if (path === "../package.json") return "package.json"
  return path.split("/")[0] ?? path
}

/** The file that a relative import means, as a path below `src`. */
function resolve(from: SourceFile, specifier: string): string {
  return join(dirname(from.path), specifier).replaceAll("\\", "/")
}

const FILES: readonly SourceFile[] = readdirSync(ROOT, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => readSource(join(ROOT, name)))

const isRelative = ({ specifier }: Import): boolean => specifier.startsWith(".")

function throwsAny({ path, room }: SourceFile, to: string): boolean {
  return ROWS.test(to) && (path === ALL_ROWS || room === "cli")
}

function isAllowed(from: SourceFile, path: string, typeOnly: boolean): boolean {
  const to = roomOf(path)
  if (from.room === to || LEAVES.includes(to) || throwsAny(from, path)) return true
  const allowed = EDGES.get(from.room) ?? []
  return allowed.includes(to) || (typeOnly && allowed.includes(`types of ${to}`))
}

/** One cycle of imports as a list of files, if there is any. */
function findCycle(): readonly string[] {
  const graph = new Map(
    FILES.map((file) => [
      file.path,
      file.imports.filter(isRelative).map((each) => resolve(file, each.specifier)),
    ]),
  )
  const done = new Set<string>()
  const visit = (path: string, way: readonly string[]): readonly string[] => {
    if (way.includes(path)) return [...way.slice(way.indexOf(path)), path]
    if (done.has(path)) return []
    for (const next of graph.get(path) ?? []) {
      const cycle = visit(next, [...way, path])
      if (cycle.length > 0) return cycle
    }
    done.add(path)
    return []
  }
  for (const path of graph.keys()) {
    const cycle = visit(path, [])
    if (cycle.length > 0) return cycle
  }
  return []
}

describe("imports", () => {
  it("are found at all", () => {
    const imports = FILES.find(({ path }) => path === "limits/require-within.ts")?.imports
    expect(imports).toContainEqual({ specifier: "./errors.ts", typeOnly: false })
    expect(imports).toContainEqual({ specifier: "./limits.ts", typeOnly: true })
  })

  it("stay within the rooms and go one way between them", () => {
    const rooms = FILES.map(({ room }) => room).filter((room) => !EDGES.has(room))
    expect(rooms).toEqual([])
    const wrong = FILES.flatMap((file) =>
      file.imports.filter(isRelative).flatMap(({ specifier, typeOnly }) => {
        const to = resolve(file, specifier)
        return isAllowed(file, to, typeOnly) ? [] : [`${file.path} imports ${to}`]
      }),
    )
    expect(wrong).toEqual([])
  })

  it("of errors bring the rows that are thrown, and no others", () => {
    const wrong = FILES.flatMap((file) =>
      file.imports
        .filter(({ specifier, typeOnly }) => !typeOnly && resolve(file, specifier) === ALL_ROWS)
        .map(() => file.path),
    )
    expect(wrong).toEqual(["node/for-command-line.ts"])
  })

  it("of the command line are of the public entry and of what is there for it alone", () => {
    const isLibrary = (path: string): boolean => !["cli", "package.json"].includes(roomOf(path))
    const seen = FILES.filter(({ room }) => room === "cli").flatMap((file) =>
      file.imports.filter(isRelative).map(({ specifier }) => resolve(file, specifier)),
    )
    expect(new Set(seen.filter(isLibrary))).toEqual(new Set(["node/index.ts", ...FOR_COMMAND_LINE]))
    const others = FILES.filter(({ room }) => room !== "cli").flatMap((file) =>
      file.imports.filter(isRelative).map(({ specifier }) => resolve(file, specifier)),
    )
    expect(others.filter((path) => FOR_COMMAND_LINE.includes(path))).toEqual([])
  })

  it("name files that exist, with their extension", () => {
    const paths = new Set([...FILES.map(({ path }) => path), "../package.json"])
    const wrong = FILES.flatMap((file) =>
      file.imports
        .filter((each) => isRelative(each) && !paths.has(resolve(file, each.specifier)))
        .map(({ specifier }) => `${file.path} imports ${specifier}`),
    )
    expect(wrong).toEqual([])
  })

  it("make no cycle", () => {
    expect(findCycle()).toEqual([])
  })

  it("of packages are of those that package.json names", () => {
    const installed = Object.keys(packageJson.dependencies)
    expect(Object.keys(packageJson.devDependencies)).toEqual(expect.arrayContaining(BUNDLED))
    const wrong = FILES.flatMap(({ path, room, imports }) =>
      imports
        .filter((each) => !isRelative(each) && !isBuiltin(each.specifier))
        .filter(({ specifier }) => !(room === "cli" ? BUNDLED : installed).includes(specifier))
        .map(({ specifier }) => `${path} imports ${specifier}`),
    )
    expect(wrong).toEqual([])
  })

  it("of Node stand in the rooms for Node", () => {
    const wrong = FILES.filter(({ room }) => !NODE_ROOMS.includes(room)).flatMap(({ path, imports }) =>
      imports
        .filter(({ specifier }) => isBuiltin(specifier))
        .map(({ specifier }) => `${path} imports ${specifier}`),
    )
    expect(wrong).toEqual([])
  })

  it("of Node say so", () => {
    const wrong = FILES.flatMap(({ path, imports }) =>
      imports
        .filter(({ specifier }) => isBuiltin(specifier) && !specifier.startsWith("node:"))
        .map(({ specifier }) => `${path} imports ${specifier}`),
    )
    expect(wrong).toEqual([])
  })
})

describe("files", () => {
  it("are short, but for those with a reason", () => {
    const long = FILES.filter(({ lines }) => lines > MOST_LINES).map(({ path }) => path)
    expect(long).toEqual([...LONG_FILES.keys()])
  })

  it("have names", () => {
    const nameless = FILES.map(({ path }) => path).filter((path) => {
      const parts = path.replace(/\.ts$/, "").split("/")
      return !ENTRIES.includes(path) && parts.some((part) => NAMELESS.test(part))
    })
    expect(nameless).toEqual([])
  })

  it("of the library name no option and no command of the command line", () => {
    const wrong = FILES.filter(({ room }) => room !== "cli").flatMap(({ path, texts }) =>
      texts.filter((text) => OF_THE_COMMAND.test(text)).map((text) => `${path}: ${text}`),
    )
    expect(wrong).toEqual([])
  })

  it("run no text", () => {
    expect(FILES.flatMap(({ path, runsText }) => runsText.map((text) => `${path}: ${text}`))).toEqual([])
  })
})
