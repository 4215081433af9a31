/** A value of a pickle as text, by which two are compared. Shared parts and cycles show as references. */

import {
  PickleDict,
  PickleFloat,
  PickleList,
  PickleSet,
  PickleTuple,
  type PickleValue,
} from "../../src/pickle/values.ts"

/** Parts that are shown; the rest is left out of both texts alike. */
const MOST_PARTS = 4000

export function describe(root: PickleValue): string {
  const numbers = new Map<unknown, number>()
  const lines: string[] = []
  const queue: unknown[] = [root]
  const name = (value: unknown): string => {
    if (typeof value === "bigint") return `${value}n`
    if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value)
    if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "undefined"
    if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString("hex")}`
    if (value instanceof PickleFloat) return `float ${Object.is(value.value, -0) ? "-0" : value.value}`
    const known = numbers.get(value)
    if (known !== undefined) return `#${known}`
    numbers.set(value, numbers.size)
    queue.push(value)
    return `#${numbers.size - 1}`
  }
  for (let next = 0; next < queue.length && next < MOST_PARTS; next++) lines.push(partsOf(queue[next], name))
  return lines.join("\n")
}

function partsOf(value: unknown, name: (part: unknown) => string): string {
  if (value instanceof PickleDict) {
    return `${value.type} ${Array.from(value.entries(), (each) => `${name(each.key)}: ${name(each.value)}`).join(", ")}`
  }
  if (value instanceof PickleList || value instanceof PickleTuple)
    return `${value.kind} ${value.items.map(name).join(", ")}`
  if (value instanceof PickleSet) return `${value.frozen} set ${value.items.map(name).join(", ")}`
  if (typeof value !== "object" || value === null) return name(value)
  return Object.entries(value)
    .map(
      ([key, part]) =>
        `${key}=${key === "source" || key === "extent" ? "" : Array.isArray(part) ? part.map(name).join(",") : name(part)}`,
    )
    .join(" ")
}
