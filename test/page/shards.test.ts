import { describe, expect, it } from "vitest"
import {
  distinctNames,
  indexName,
  indexText,
  isShardIndex,
  repeatedNames,
  shardOf,
  shardSets,
} from "../../examples/web/src/model/shards.ts"

describe("shards", () => {
  it("are known by their names", () => {
    expect(shardOf("pytorch_model-00002-of-00003.bin")).toEqual({
      stem: "pytorch_model",
      ending: ".bin",
      number: 2,
      count: 3,
    })
    for (const name of [
      "model.bin",
      "a-00004-of-00003.bin",
      "a-00000-of-00003.bin",
      "a-1-of-2.bin",
      "a-99999-of-99999.bin",
    ]) {
      expect(shardOf(name), name).toBeUndefined()
    }
    expect(isShardIndex("pytorch_model.bin.index.json")).toBe(true)
    expect(isShardIndex("index.json.pt")).toBe(false)
  })

  it("make sets, of which shards may be missing or there twice", () => {
    const files = [
      "a-00003-of-00003.pt",
      "b.pt",
      "a-00001-of-00003.pt",
      "a-00001-of-00003.pt",
      "a-00001-of-00002.pt",
    ]
    expect(shardSets(files, (name) => name)).toEqual([
      {
        stem: "a",
        ending: ".pt",
        count: 3,
        shards: ["a-00001-of-00003.pt", "a-00003-of-00003.pt"],
        missing: [2],
      },
      { stem: "a", ending: ".pt", count: 2, shards: ["a-00001-of-00002.pt"], missing: [2] },
    ])
  })

  it("have an index in the order of names, whatever they are", () => {
    const text = indexText([
      { fileName: "x.safetensors", names: ["10", "__proto__", 'a"b'], tensorBytes: 5 },
      { fileName: "y.safetensors", names: ["9"], tensorBytes: 7 },
    ])
    expect(text.indexOf('"10"')).toBeLessThan(text.indexOf('"9"'))
    const index = new Map(Object.entries(JSON.parse(text).weight_map))
    expect([...index]).toEqual(
      expect.arrayContaining([
        ["10", "x.safetensors"],
        ['a"b', "x.safetensors"],
        ["9", "y.safetensors"],
      ]),
    )
    expect(text).toContain('"__proto__": "x.safetensors"')
    expect(JSON.parse(text).metadata).toEqual({ total_size: 12 })
    expect(indexName("pytorch_model")).toBe("model.safetensors.index.json")
    expect(indexName("unet")).toBe("unet.safetensors.index.json")
  })

  it("tell which names they have twice", () => {
    expect(repeatedNames([["a", "b"], ["b", "c"], ["b"]])).toBe(1)
  })

  it("do not write over one another", () => {
    expect(distinctNames(["a.safetensors", "b.safetensors", "a.safetensors", "a-2.safetensors"])).toEqual([
      "a.safetensors",
      "b.safetensors",
      "a-2.safetensors",
      "a-2-2.safetensors",
    ])
  })
})
