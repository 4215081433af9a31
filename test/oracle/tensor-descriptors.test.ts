/** The attributes that torch does more with than keep are those that are refused here. */

import { execFileSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { expect, it } from "vitest"
import { TENSOR_DESCRIPTORS } from "../../src/torch/tensor-state.ts"

const PYTHON = fileURLToPath(new URL("../../.oracle/venv/bin/python", import.meta.url))

const SCRIPT = `
import inspect, json, torch
classes = [torch.Tensor, torch.nn.Parameter, torch.nn.parameter.Buffer]
print(json.dumps(sorted({
    name
    for cls in classes
    for name in dir(cls)
    if hasattr(type(inspect.getattr_static(cls, name)), "__set__")
})))
`

/** Of releases before 2.13. */
const EARLIER = ["names", "is_hpu", "is_mlc", "is_ort"]

it("every data descriptor of torch's tensor classes is on the list, and nothing else", () => {
  const found = JSON.parse(
    execFileSync(PYTHON, ["-W", "ignore", "-c", SCRIPT], { encoding: "utf8" }),
  ) as string[]
  // Dunders are refused by rule.
  const named = found.filter((name) => !/^__.*__$/.test(name))
  expect(named.length).toBeGreaterThan(40)
  expect([...TENSOR_DESCRIPTORS].filter((name) => !EARLIER.includes(name)).sort()).toEqual(named)
})
