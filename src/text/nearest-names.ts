/** Which names are most like one that was mistyped: what an error suggests. */

/** Names that are suggested. */
const MOST_SUGGESTED = 3

/** Of a longer name no more is compared. */
const COMPARED_UNITS = 200

/** Steps of comparing, all in all: names of tensors are a stranger's, and there may be a million. About 50 ms. */
const MOST_STEPS = 20_000_000

/** So many letters of a name make one mistake likely. */
const UNITS_A_MISTAKE = 4

/**
 * The names that are most like `wanted`, in which `*` stands for any run of characters and `?` for one; the nearest
 * first. A name that is `wanted` but for folders or modules before it counts as near.
 */
export function nearestNames(wanted: string, names: Iterable<string>): readonly string[] {
  const pattern = wanted.slice(0, COMPARED_UNITS)
  const most = 1 + Math.floor(pattern.replace(/[*?]/g, "").length / UNITS_A_MISTAKE)
  const near: { readonly name: string; readonly distance: number }[] = []
  let steps = 0
  for (const name of names) {
    const text = name.slice(0, COMPARED_UNITS)
    steps += pattern.length * (text.length + 1)
    if (steps > MOST_STEPS) break
    const isPart = wanted.length > 2 && (name.endsWith(`.${wanted}`) || wanted.endsWith(`.${name}`))
    const distance = isPart ? 0 : editDistance(pattern, text, most)
    if (distance <= most) near.push({ name, distance })
  }
  near.sort((a, b) => a.distance - b.distance)
  const [nearest] = near
  const alike = near.filter(({ distance }) => nearest !== undefined && distance <= nearest.distance + 1)
  return [...new Set(alike.map(({ name }) => name))].slice(0, MOST_SUGGESTED)
}

/**
 * Letters to insert, take out, change, or exchange with their neighbour to make `name` match `pattern`; capitals are no
 * difference worth more than a half. Above `most` any number above it.
 */
function editDistance(pattern: string, name: string, most: number): number {
  const width = name.length + 1
  let before = new Float64Array(width)
  let last = Float64Array.from({ length: width }, (_, i) => i)
  for (let p = 1; p <= pattern.length; p++) {
    const letter = pattern[p - 1] as string
    const row = new Float64Array(width)
    row[0] = at(last, 0) + (letter === "*" ? 0 : 1)
    let least = at(row, 0)
    for (let n = 1; n < width; n++) {
      row[n] =
        letter === "*"
          ? Math.min(at(last, n), at(row, n - 1))
          : Math.min(
              at(last, n) + 1,
              at(row, n - 1) + 1,
              at(last, n - 1) + difference(letter, name[n - 1] as string),
              letter === name[n - 2] && pattern[p - 2] === name[n - 1] ? at(before, n - 2) + 1 : Infinity,
            )
      least = Math.min(least, at(row, n))
    }
    // Every way to the end goes through this row or, by an exchange, through the one before.
    if (least > most + 1) return least
    before = last
    last = row
  }
  return at(last, name.length)
}

function difference(letter: string, other: string): number {
  if (letter === other || letter === "?") return 0
  return letter.toLowerCase() === other.toLowerCase() ? 0.5 : 1
}

function at(row: Float64Array, index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY
}
