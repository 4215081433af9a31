import { describe, expect, it } from "vitest"
import type { PlanOptions } from "../../src/checkpoint/plan-checkpoint.ts"
import type { UnreferencedBytes } from "../../src/checkpoint/unreferenced-bytes.ts"
import { openCheckpoint } from "../../src/index.ts"
import {
  type CheckpointStyle,
  PLAIN_STYLE,
  writeCheckpoint,
  zipMembers,
} from "../property/checkpoint-writer.ts"
import { dtypeNamed } from "../property/dtypes.ts"
import { type TestStorage, type TestTensor, type TestValue, tensor } from "../property/model.ts"
import { writeZip } from "../property/zip-writer.ts"
import { dict, pair, planFor } from "./contents.ts"

const U8 = dtypeNamed("uint8")
const F32 = dtypeNamed("float32")

async function unreferenced(value: TestValue, options: PlanOptions = {}): Promise<UnreferencedBytes> {
  return (await planFor(value, options)).report.unreferenced
}

let keys = 5000
function storage(byteLength: number): TestStorage {
  return { key: String(keys++), dtype: U8, bytes: new Uint8Array(byteLength) }
}

/** A part of a storage. */
function part(of: TestStorage, offset: number, length: number): TestTensor {
  return tensor(U8, [length], { storage: of, offset })
}

const NOTHING = {
  byteLength: 0,
  exact: true,
  leftOut: 0,
  behindViews: 0,
  unusedStorages: 0,
  extraMembers: 0,
  hiding: [],
  hidingCount: 0,
  unusedStorageCount: 0,
  members: [],
  memberCount: 0,
}

describe("nothing is unreferenced", () => {
  const whole = storage(100)
  it.each([
    ["in a usual checkpoint", dict({ a: pair(), b: pair() })],
    ["where a tensor is saved alone", pair()],
    ["in tied weights", dict({ a: part(whole, 0, 100), b: part(whole, 0, 100), c: part(whole, 3, 7) })],
    ["where parts make up a storage", dict({ a: part(whole, 0, 60), b: part(whole, 40, 60) })],
    ["in a transposed matrix", dict({ a: tensor(F32, [3, 4], { strides: [1, 3] }) })],
    ["in bool and empty tensors", dict({ a: tensor(dtypeNamed("bool"), [7]), b: tensor(F32, [0, 3]) })],
    ["in plain values", dict({ a: pair(), epoch: 3, name: "x".repeat(1000) })],
  ])("%s", async (_, value) => {
    expect(await unreferenced(value)).toEqual(NOTHING)
  })

  it("in a big-endian or a legacy checkpoint", async () => {
    for (const style of [{ byteOrder: "big" }, { layout: "legacy" }] as const) {
      const checkpoint = await openCheckpoint(writeCheckpoint(dict({ a: pair(), b: pair() }), style))
      expect(checkpoint.plan().report.unreferenced).toEqual(NOTHING)
    }
  })
})

describe("bytes behind views", () => {
  it("are those that no tensor of the checkpoint sees, the most first", async () => {
    const [small, large] = [storage(50), storage(1000)]
    const value = dict({ a: part(small, 10, 30), b: part(large, 0, 1), c: part(large, 400, 1), d: pair() })
    expect(await unreferenced(value)).toEqual({
      ...NOTHING,
      byteLength: 1018,
      behindViews: 1018,
      hidingCount: 2,
      hiding: [
        { key: large.key, byteLength: 1000, hiddenBytes: 998, tensors: ["b", "c"], tensorCount: 2 },
        { key: small.key, byteLength: 50, hiddenBytes: 20, tensors: ["a"], tensorCount: 1 },
      ],
    })
  })

  it("are all of a storage behind an empty tensor", async () => {
    const value = dict({ a: part(storage(70), 0, 0), b: pair() })
    expect(await unreferenced(value)).toMatchObject({ byteLength: 70, behindViews: 70 })
  })

  it("are told of tensors outside the root too, which have no names there", async () => {
    const value = dict({ model: dict({ w: pair() }), optimizer: dict({ m: part(storage(90), 0, 30) }) })
    expect(await unreferenced(value)).toMatchObject({
      byteLength: 90,
      leftOut: 30,
      behindViews: 60,
      hiding: [{ hiddenBytes: 60, tensors: [], tensorCount: 1 }],
    })
  })

  it("are listed for twenty storages with three names each, and counted for all", async () => {
    const storages = Array.from({ length: 30 }, (_, index) => storage(100 + index))
    const names = storages.flatMap((each, index) =>
      [0, 1, 2, 3].map((n) => [`${index}.${n}`, part(each, n, 1)] as const),
    )
    const { hiding, hidingCount, behindViews } = await unreferenced(new Map(names))
    expect(hidingCount).toBe(30)
    expect(hiding.length).toBe(20)
    expect(hiding[0]).toMatchObject({ hiddenBytes: 125, tensors: ["29.0", "29.1", "29.2"], tensorCount: 4 })
    expect(behindViews).toBe(storages.reduce((sum, { bytes }) => sum + bytes.length - 4, 0))
  })

  it("count every name of one tensor", async () => {
    const same = part(storage(10), 0, 5)
    const value = dict({ a: same, b: same, other: dict({ c: same }) })
    const [hiding] = (await unreferenced(value, { root: "all" })).hiding
    expect(hiding).toMatchObject({ tensors: ["a", "b", "other.c"], tensorCount: 3 })
  })
})

describe("bytes of tensors that are left out", () => {
  const model = storage(100)
  const value = dict({
    state_dict: dict({ a: part(model, 0, 40), b: part(model, 40, 20), c: pair() }),
    optimizer: dict({ m: tensor(F32, [25]), v: part(model, 50, 30), same: part(model, 0, 40) }),
  })

  it("are those outside the root that no written tensor sees", async () => {
    expect(await unreferenced(value)).toMatchObject({ byteLength: 140, leftOut: 120, behindViews: 20 })
    expect(await unreferenced(value, { root: "all" })).toMatchObject({ byteLength: 20, leftOut: 0 })
  })

  it("are those that were filtered", async () => {
    const filtered = await unreferenced(value, { exclude: ["a", "c"] })
    expect(filtered).toMatchObject({ leftOut: 120 + 40 + 8, behindViews: 20 })
  })

  it("are those of a lone tensor under its path", async () => {
    expect(await unreferenced(value, { root: ["state_dict", "c"] })).toMatchObject({ leftOut: 180 })
  })
})

describe("members that nobody asks for", () => {
  const inside = (extra: Readonly<Record<string, Uint8Array>>, changes: Partial<CheckpointStyle> = {}) => {
    const style = { ...PLAIN_STYLE, ...changes }
    const added = Object.entries(extra).map(([name, bytes]) => [`archive/${name}`, bytes] as const)
    return new Uint8Array(writeZip(new Map([...zipMembers(dict({ w: pair() }), style), ...added]), style))
  }
  const reported = async (file: Uint8Array): Promise<UnreferencedBytes> =>
    (await openCheckpoint(file)).plan().report.unreferenced

  it("are storages that the pickle does not name, and whatever else there is", async () => {
    const file = inside({
      "data/77": new Uint8Array(33),
      "data/x": new Uint8Array(5),
      "payload.bin": new Uint8Array(400),
      empty: new Uint8Array(0),
      "sub/version": new Uint8Array(1),
    })
    expect(await reported(file)).toEqual({
      ...NOTHING,
      byteLength: 439,
      unusedStorages: 33,
      unusedStorageCount: 1,
      extraMembers: 406,
      memberCount: 4,
      members: [
        { name: "archive/payload.bin", byteLength: 400 },
        { name: "archive/data/x", byteLength: 5 },
        { name: "archive/sub/version", byteLength: 1 },
        { name: "archive/empty", byteLength: 0 },
      ],
    })
  })

  it("are not torch's own records, as long as these are short and hold what torch writes", async () => {
    const records = [".data/serialization_id", ".format_version", ".storage_alignment", ".data/version"]
    const of = (length: number): Record<string, Uint8Array> =>
      Object.fromEntries(records.map((name) => [name, new Uint8Array(length).fill(0x31)]))
    // The version is refused where torch would not read it, so it is a right one throughout.
    const version = { ".data/version": Buffer.from("3\n") }
    const inside3 = (members: Record<string, Uint8Array>) => inside({ ...members, ...version })
    expect(await reported(inside3(of(20)))).toEqual(NOTHING)
    const [id = "", ...numbers] = records.filter((name) => name !== ".data/version")
    expect(await reported(inside3({ [id]: of(40)[id] ?? new Uint8Array(0) }))).toEqual(NOTHING)
    expect(await reported(inside3(of(41)))).toMatchObject({ extraMembers: 123, memberCount: 3 })
    for (const name of numbers) {
      expect(await reported(inside3({ [name]: new Uint8Array(20) }))).toMatchObject({ extraMembers: 20 })
    }
    expect(await reported(inside3(of(65)))).toMatchObject({ extraMembers: 195, memberCount: 3 })
  })

  it("count inflated, and as stored where the archive declares less", async () => {
    const zeros = { zeros: new Uint8Array(100_000) }
    const deflated = inside(zeros, { deflated: (name) => name.endsWith("zeros") })
    expect(deflated.length).toBeLessThan(2000)
    expect(await reported(deflated)).toMatchObject({ extraMembers: 100_000 })
  })

  it("are listed up to twenty, largest first", async () => {
    const many = Array.from({ length: 25 }, (_, index) => [`m${index}`, new Uint8Array(index)] as const)
    const { members, memberCount, extraMembers } = await reported(inside(Object.fromEntries(many)))
    expect(memberCount).toBe(25)
    expect(members.map(({ byteLength }) => byteLength)).toEqual(Array.from({ length: 20 }, (_, i) => 24 - i))
    expect(extraMembers).toBe(300)
  })
})

it("is worked out in bounded time, and says at most, where views cross without end", async () => {
  const crossed = storage(4_000_000)
  const views = Array.from({ length: 200 }, (_, index) => {
    const strides = [3 + index, 1]
    return [
      String(index),
      tensor(U8, [4_000_000 / (4 + index), 2].map(Math.floor), { storage: crossed, strides }),
    ] as const
  })
  // To gather them would be refused by default.
  const plan = await planFor(new Map(views), {}, { gatherFloorBytes: 2 ** 40 })
  const found = plan.report.unreferenced
  expect(found.exact).toBe(false)
  // The first view alone sees two of every three bytes of three quarters of the storage.
  expect(found.behindViews).toBeLessThanOrEqual(2_000_000)
})
