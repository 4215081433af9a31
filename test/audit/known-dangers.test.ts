import { describe, expect, it } from "vitest"
import { PACKAGE_DANGERS } from "../../src/audit/dangers-of-packages.ts"
import { PYTHON_DANGERS } from "../../src/audit/dangers-of-python.ts"
import { findDanger, knowledgeOf } from "../../src/audit/known-dangers.ts"
import { findKnownGlobal } from "../../src/audit/known-globals.ts"
import { ALLOWED_GLOBALS } from "../../src/torch/allowed-globals.ts"
import { ADVISORY_GLOBALS, BENIGN_GLOBALS } from "./advisory-globals.ts"

/** An address without its scheme, an advisory, a file of a repository, or one of a scanner's lists. */
const SOURCE =
  /^(?:docs\.|GHSA-|CVE-|(?:torch|numpy|joblib)\/|trailofbits\/fickling, |mmaitre314\/picklescan, |protectai\/modelscan, |promptfoo\/modelaudit, |mhammond\.github\.io|[a-z0-9.-]+\.[a-z]+(?:\/|$))/

describe("what advisories and scanners call dangerous", () => {
  it("is hundreds of globals, each once", () => {
    const names = ADVISORY_GLOBALS.map(([module, name]) => `${module} ${name}`)
    expect(names.length).toBeGreaterThan(400)
    const twice = names.filter((name, index) => names.indexOf(name) !== index)
    expect(twice.length).toBeLessThan(10)
  })

  it("is called dangerous, every one of them", () => {
    const missed = ADVISORY_GLOBALS.filter(([module, name]) => findDanger(module, name) === undefined)
    expect(missed.map(([module, name, source]) => `${module} ${name} (${source})`)).toEqual([])
  })

  it("has a reason and a source", () => {
    for (const [module, name] of ADVISORY_GLOBALS) {
      const danger = findDanger(module, name)
      expect(danger?.reason, `${module}.${name}`).toMatch(/^[a-z].{8}/)
      expect(danger?.source, `${module}.${name}`).toMatch(SOURCE)
    }
  })

  it("is dangerous under every name by which a module is reached too", () => {
    for (const way of ["torch.serialization", "numpy.core", "pathlib", "my.module", "collections"]) {
      expect(findDanger(way, "os.system"), way).toBeDefined()
      expect(findDanger(way, "a.b.subprocess.Popen"), way).toBeDefined()
      expect(findDanger(way, "os"), way).toBeDefined()
      expect(findDanger(way, "sys.modules"), way).toBeDefined()
      expect(findDanger(way, "__builtins__"), way).toBeDefined()
      expect(findDanger(way, "Some.__init__.__globals__"), way).toBeDefined()
    }
  })
})

describe("what checkpoints name", () => {
  it("is none of the dangers", () => {
    const wrong = BENIGN_GLOBALS.filter(([module, name]) => findDanger(module, name) !== undefined)
    expect(wrong.map(([module, name]) => `${module} ${name}: ${findDanger(module, name)?.reason}`)).toEqual(
      [],
    )
    expect(BENIGN_GLOBALS.length).toBeGreaterThan(150)
  })

  it("is not a danger where it is allowed", () => {
    for (const { module, name } of ALLOWED_GLOBALS)
      expect(findDanger(module, name), `${module}.${name}`).toBeUndefined()
  })

  it.each([
    ["", ""],
    ["__proto__", "constructor"],
    ["constructor", "toString"],
    ["OS", "system"],
    ["Builtins", "eval"],
    ["builtins", "EVAL"],
    ["os ", "system"],
    ["mine", "loads"],
    ["builtins", "eval "],
  ])("%j.%j is unknown, and nothing is known of it", (module, name) => {
    expect(knowledgeOf(module, name)).toEqual({ verdict: "unknown", danger: undefined, about: undefined })
  })

  it("of very long and very deep names asks no more than of others", () => {
    const deep = Array.from({ length: 20_000 }, () => "a").join(".")
    expect(findDanger("m", deep)).toBeUndefined()
    expect(findDanger("os", deep)).toBeDefined()
    expect(findDanger(deep, "system")).toBeUndefined()
    expect(findDanger("m", `os.system.${deep}`)).toBeDefined()
  })
})

describe("the tables", () => {
  const rows = [...PYTHON_DANGERS, ...PACKAGE_DANGERS]

  it("say why and where it is written, in each row", () => {
    for (const [modules, names, reason, source] of rows) {
      expect(reason, modules).toMatch(/^[a-z].{8}/)
      expect(source, modules).toMatch(SOURCE)
      expect(modules).toMatch(/^[\w.]+(?: [\w.]+)*$/)
      expect(names).toMatch(/^(?:\*|!?[\w.]+(?: [\w.]+)*)$/)
    }
  })

  it("tell what harmless globals are, with a source", () => {
    const known = BENIGN_GLOBALS.filter(([module, name]) => findKnownGlobal(module, name) !== undefined)
    expect(known.length / BENIGN_GLOBALS.length).toBeGreaterThan(0.8)
    for (const [module, name] of known) {
      const { what, source } = findKnownGlobal(module, name) ?? {}
      expect(what).toMatch(/^(?:a|an|the) \S/)
      expect(source).toMatch(/^[a-z0-9][\w./#-]+$|^promptfoo/i)
    }
  })

  it.each([
    ["pathlib", "PosixPath", "a path"],
    ["pathlib._local", "PosixPath", "a path"],
    ["numpy.core.multiarray", "scalar", "a NumPy number"],
    ["numpy._core.multiarray", "_reconstruct", "a NumPy array"],
    ["argparse", "Namespace", "the options of a command line"],
    [
      "pytorch_lightning.callbacks.model_checkpoint",
      "ModelCheckpoint",
      "a callback or tool of the Lightning trainer",
    ],
    ["torch.nn.modules.container", "ParameterDict", "a dict or list of parameters, saved as a module"],
    [
      "torch.nn.modules.linear",
      "Linear",
      "a module: the model was saved as a whole object, not its state_dict()",
    ],
    ["torch.optim.adamw", "AdamW", "an optimizer, saved as a whole object"],
    ["torch.optim.lr_scheduler", "LambdaLR", "a schedule of learning rates"],
    ["transformers.training_args", "TrainingArguments", "the arguments of the transformers trainer"],
    ["omegaconf.dictconfig", "DictConfig", "a configuration of Hydra (OmegaConf)"],
    ["__main__", "Net", "a class or function of the script that wrote the file"],
  ])("%s.%s is %s", (module, name, what) => {
    expect(knowledgeOf(module, name)).toMatchObject({ verdict: "unknown", about: { what } })
  })
})
