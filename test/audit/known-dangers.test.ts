import { describe, expect, it } from "vitest"
import { findDanger } from "../../src/audit/known-dangers.ts"
import { ALLOWED_GLOBALS } from "../../src/torch/allowed-globals.ts"

describe("known dangers", () => {
  it.each([
    ["os", "system"],
    ["posix", "system"],
    ["nt", "system"],
    ["os.path", "expanduser"],
    ["subprocess", "Popen"],
    ["builtins", "eval"],
    ["__builtin__", "eval"],
    ["builtins", "getattr"],
    ["builtins", "exec.__call__"],
    ["importlib", "import_module"],
    ["importlib.util", "spec_from_file_location"],
    ["pkgutil", "resolve_name"],
    ["torch", "load"],
    ["torch.hub", "load"],
    ["torch.serialization", "os.system"],
    ["torch.storage", "_load_from_bytes"],
    ["my.module", "os.system"],
    ["numpy.f2py.crackfortran", "getlincoef"],
    ["pickle", "loads"],
  ])("%s.%s, with a reason and a source", (module, name) => {
    const danger = findDanger(module, name)
    expect(danger?.reason).toMatch(/^[a-z].{8}/)
    expect(danger?.source).toMatch(/^(docs\.|GHSA-|CVE-|torch\/|[a-z.]+\/)/)
  })

  it.each([
    ["collections", "OrderedDict"],
    ["os_utils", "system"],
    ["my.os", "system"],
    ["builtins", "evaluate"],
    ["torch", "loader"],
    ["torch.nn.modules.linear", "Linear"],
    ["", ""],
    ["__proto__", "constructor"],
    ["constructor", "toString"],
  ])("%s.%s is none", (module, name) => {
    expect(findDanger(module, name)).toBeUndefined()
  })

  it("are none of the allowed globals", () => {
    for (const { module, name } of ALLOWED_GLOBALS)
      expect(findDanger(module, name), `${module}.${name}`).toBeUndefined()
  })
})
