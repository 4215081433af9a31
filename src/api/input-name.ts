/** What an input is called: the last part of a path or an address, the name of a File; "" where it has none. */
export function nameOf(input: unknown): string {
  if (typeof input === "string") return lastPart(input)
  if (input instanceof URL) return lastPart(input.pathname)
  const named = typeof input === "object" && input !== null && "name" in input ? input.name : undefined
  return typeof named === "string" ? lastPart(named) : ""
}

function lastPart(path: string): string {
  return path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1)
}
