/** Checkpoints that are divided into several files, by the names that transformers gives them. */

/** `pytorch_model-00001-of-00003.bin` */
const SHARD = /^(.*)-(\d{5})-of-(\d{5})(\.[a-z]+)$/i

/** The list of shards that stands beside them. It holds no tensors. */
const INDEX = /\.index\.json$/i

/** transformers looks for an index of this name, whatever the shards are called. */
const RENAMED: ReadonlyMap<string, string> = new Map([["pytorch_model", "model"]])

export interface Shard {
  /** What all of them have in their names: before the number, and behind it. */
  readonly stem: string
  readonly ending: string
  /** From 1. */
  readonly number: number
  readonly count: number
}

/** What of a divided checkpoint is there. */
export interface ShardSet<File> {
  readonly stem: string
  readonly ending: string
  readonly count: number
  /** By their numbers. */
  readonly shards: readonly File[]
  readonly missing: readonly number[]
}

/** More shards than that are no set: `missing` would be long. */
const MOST_SHARDS = 10_000

/** Undefined for a file that stands alone. */
export function shardOf(fileName: string): Shard | undefined {
  const [, stem, number, count, ending] = SHARD.exec(fileName) ?? []
  if (stem === undefined || ending === undefined) return undefined
  const shard = { stem, ending, number: Number(number), count: Number(count) }
  const isPossible = shard.number >= 1 && shard.number <= shard.count && shard.count <= MOST_SHARDS
  return isPossible ? shard : undefined
}

/** Whether a file is the index of a divided checkpoint. */
export function isShardIndex(fileName: string): boolean {
  return INDEX.test(fileName)
}

/** The sets among `files`. Of two files with one name, the first belongs to a set. */
export function shardSets<File>(
  files: readonly File[],
  nameOf: (file: File) => string,
): readonly ShardSet<File>[] {
  const sets = new Map<string, { readonly shard: Shard; readonly byNumber: Map<number, File> }>()
  for (const file of files) {
    const shard = shardOf(nameOf(file))
    if (shard === undefined || shard.count < 2) continue
    const key = `${shard.stem}/${shard.count}/${shard.ending}`
    const set = sets.get(key) ?? { shard, byNumber: new Map<number, File>() }
    sets.set(key, set)
    if (!set.byNumber.has(shard.number)) set.byNumber.set(shard.number, file)
  }
  return Array.from(sets.values(), ({ shard: { stem, ending, count }, byNumber }) => {
    const numbers = Array.from({ length: count }, (_, index) => index + 1)
    return {
      stem,
      ending,
      count,
      shards: numbers.flatMap((number) => byNumber.get(number) ?? []),
      missing: numbers.filter((number) => !byNumber.has(number)),
    }
  })
}

/** The name of the index for what a set becomes. */
export function indexName(stem: string): string {
  return `${RENAMED.get(stem) ?? stem}.safetensors.index.json`
}

/** One file that was written. */
export interface WrittenShard {
  readonly fileName: string
  readonly names: readonly string[]
  /** Of its tensors, without the header. */
  readonly tensorBytes: number
}

/**
 * The index as transformers writes it. Entry by entry: an object would put names that are numbers first, and has no place
 * for some others.
 */
export function indexText(shards: readonly WrittenShard[]): string {
  const total = shards.reduce((sum, { tensorBytes }) => sum + tensorBytes, 0)
  const entries = shards
    .flatMap(({ fileName, names }) => names.map((name) => ({ name, fileName })))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
    .map(({ name, fileName }) => `    ${JSON.stringify(name)}: ${JSON.stringify(fileName)}`)
  const metadata = `  "metadata": {\n    "total_size": ${total}\n  }`
  return `{\n${metadata},\n  "weight_map": {\n${entries.join(",\n")}\n  }\n}\n`
}

/** Names that several files have. */
export function repeatedNames(lists: readonly (readonly string[])[]): number {
  const seen = new Set<string>()
  const repeated = new Set<string>()
  for (const names of lists) {
    for (const name of names) {
      if (seen.has(name)) repeated.add(name)
      seen.add(name)
    }
  }
  return repeated.size
}

/** The same names, with a number where one has been given already. */
export function distinctNames(names: readonly string[]): readonly string[] {
  const given = new Set<string>()
  return names.map((name) => {
    const dot = name.lastIndexOf(".")
    let made = name
    for (let number = 2; given.has(made); number++) made = `${name.slice(0, dot)}-${number}${name.slice(dot)}`
    given.add(made)
    return made
  })
}
