/**
 * Text never keys an object: `__proto__` and `constructor` are names like any other, and a checkpoint may use them. Maps
 * are for that. Held by the compiler's own types: whatever could be any text, and is used as a key, is listed here.
 */

import { join } from "node:path"
import { fileURLToPath } from "node:url"
import ts from "typescript"
import { expect, it } from "vitest"
import { DEEP } from "./depth.ts"

const ROOT = fileURLToPath(new URL("..", import.meta.url))

/** Places where any text keys an object, and why that is no danger. */
const ALLOWED: ReadonlyMap<string, string> = new Map([
  [
    "plan/plan-tensors.ts: object[key]",
    "the metadata of a report, which has no prototype, and is only written",
  ],
  ["limits/limits.ts: Object.fromEntries(given)", "limits that the caller gives"],
  ["limits/limits.ts: limits[name]", "the names of the limits themselves"],
  [
    "cli/arguments.ts: Object.fromEntries(command.options.map((name) => [name, configOf(name)]))",
    "the names of our own options",
  ],
  ["errors/all-errors.ts: Object.fromEntries(", "the codes of our own errors"],
  ["cli/advice/reading.ts: again[command.name]", "the names of our own commands"],
  [
    "cli/scan/json.ts: Object.fromEntries(keys.map((key) => [key, row[key] ?? null]))",
    "the fields of a report, which stand in a list",
  ],
  ['cli/selection.ts: Object.fromEntries([["format", "pt"], ...pairs])', "--metadata of the command line"],
  ["cli/selection.ts: Object.fromEntries(", "--limit of the command line"],
  [
    "cli/isolation/isolate.ts: Object.fromEntries(kept.map((name) => [name, process.env[name]]))",
    "names of environment variables that stand in a list",
  ],
  ["cli/isolation/isolate.ts: process.env[name]", "names of environment variables that stand in a list"],
])

/** Calls that make an object of keys, or ask one for a key. */
const BY_KEY = new Set([
  "Object.fromEntries",
  "Reflect.get",
  "Reflect.set",
  "Reflect.has",
  "Object.defineProperty",
])

const config = ts.readConfigFile(join(ROOT, "tsconfig.node.json"), ts.sys.readFile)
const { fileNames, options } = ts.parseJsonConfigFileContent(config.config, ts.sys, ROOT)

/** The language alone: the types of DOM and Node take seconds, and what has no type counts as any text. */
const LANGUAGE: ts.CompilerOptions = { lib: ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts"], types: [] }

/** Whether an expression of that type may be any text: not a number, not one of a few literals. */
function isAnyText(type: ts.Type): boolean {
  if (type.isUnion()) return type.types.some(isAnyText)
  return (type.flags & (ts.TypeFlags.String | ts.TypeFlags.Any | ts.TypeFlags.Unknown)) !== 0
}

function keyedByText(name: string, text: string | undefined): readonly string[] {
  const given = text === undefined ? fileNames : [name]
  const host = ts.createCompilerHost(options)
  if (text !== undefined) {
    const getSourceFile = host.getSourceFile.bind(host)
    host.getSourceFile = (file, ...rest) =>
      file === name
        ? ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true)
        : getSourceFile(file, ...rest)
  }
  const program = ts.createProgram(given, { ...options, ...LANGUAGE }, host)
  const checker = program.getTypeChecker()
  const found: string[] = []
  for (const file of program.getSourceFiles()) {
    if (file.isDeclarationFile || !given.includes(file.fileName)) continue
    const path = file.fileName.replaceAll("\\", "/").split("/src/").at(-1)
    const visit = (node: ts.Node): void => {
      if (isKeyedByText(node, checker)) found.push(`${path}: ${node.getText(file).split("\n", 1)[0]}`)
      ts.forEachChild(node, visit)
    }
    visit(file)
  }
  return found
}

function isKeyedByText(node: ts.Node, checker: ts.TypeChecker): boolean {
  const anyText = (key: ts.Expression): boolean => isAnyText(checker.getTypeAtLocation(key))
  if (ts.isElementAccessExpression(node)) return anyText(node.argumentExpression)
  if (ts.isComputedPropertyName(node)) return anyText(node.expression)
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.InKeyword)
    return anyText(node.left)
  return ts.isCallExpression(node) && BY_KEY.has(node.expression.getText()) && !isOurOwn(node)
}

/** `Object.defineProperty` with a key that is a constant. */
function isOurOwn({ expression, arguments: given }: ts.CallExpression): boolean {
  const [, key] = given
  const isConstant = key !== undefined && (ts.isStringLiteral(key) || /^[A-Z_]+$/.test(key.getText()))
  return expression.getText() === "Object.defineProperty" && isConstant
}

it.runIf(DEEP)("no object of the source is keyed by text that may come from a file", () => {
  const found = keyedByText("", undefined)
  expect(found.filter((place) => !ALLOWED.has(place))).toEqual([])
  expect([...ALLOWED.keys()].filter((place) => !found.includes(place))).toEqual([])
})

it.runIf(DEEP)("would be seen: reading, writing, asking, making", () => {
  const lines = [
    "declare const text: string, table: Record<string, number>",
    "table[text]",
    "table[text] = 1",
    "text in table",
    "const made = { [text]: 1 }",
    "Object.fromEntries([[text, 1]])",
    'const known: "a" | "b" = "a" as "a" | "b"',
    "table[known]",
    "const list: number[] = []",
    "list[0]",
    "export { made }",
  ]
  expect(keyedByText("/src/probe.ts", lines.join("\n"))).toHaveLength(5)
})
