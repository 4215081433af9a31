/** Whatever CPython's unpicklers look up, a listing names: on random pickles of all opcodes of all protocols. */

import { fileURLToPath } from "node:url"
import { expect, it } from "vitest"
import { compareWithCPython } from "./compare-cpython.ts"

const PYTHON = fileURLToPath(new URL("../../.oracle/venv/bin/python", import.meta.url))
const SCRIPT = fileURLToPath(new URL("record_globals.py", import.meta.url))
const FILES = 5000

it(`CPython looks up no global that a listing does not name, in ${FILES} files of random pickles`, () => {
  const { lookups, laterLookups, differences } = compareWithCPython(PYTHON, SCRIPT, FILES, 3)
  expect(differences).toEqual([])
  expect(lookups).toBeGreaterThan(FILES / 2)
  expect(laterLookups).toBeGreaterThan(FILES / 10)
})
