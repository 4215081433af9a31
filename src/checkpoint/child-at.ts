/** One step of a path through a checkpoint. */

import { CheckpointError } from "../errors/checkpoint-error.ts"
import type { PickleEntry, PickleValue } from "../pickle/values.ts"
import { PickleTuple } from "../pickle/values.ts"
import { NAME_DUPLICATE } from "../safetensors/errors.ts"
import type { Container } from "./child-cursor.ts"
import { ChildCursor } from "./child-cursor.ts"
import { spellKey } from "./key-text.ts"

/**
 * The child whose key is spelled `step`; blanks between the items of a tuple may be left out. Undefined when there is
 * none.
 *
 * @throws `name-duplicate` where several keys are spelled so: 1 and "1", say.
 */
export function childAt(container: Container, step: string): PickleEntry | undefined {
  return childSpelled(container, step, spellKey) ?? (step[0] === "(" ? tupleAt(container, step) : undefined)
}

function tupleAt(container: Container, step: string): PickleEntry | undefined {
  const spell = (key: PickleValue | undefined): string | undefined => {
    const text = key instanceof PickleTuple ? spellKey(key) : undefined
    return text === undefined ? undefined : withoutBlanks(text)
  }
  return childSpelled(container, withoutBlanks(step), spell)
}

function withoutBlanks(text: string): string {
  return text.replaceAll(" ", "")
}

function childSpelled(
  container: Container,
  step: string,
  spell: (key: PickleValue | undefined) => string | undefined,
): PickleEntry | undefined {
  let found: PickleEntry | undefined
  for (const children = new ChildCursor(container); children.next(); ) {
    const { key, value } = children
    // What has no key, a member of a set, has no spelling.
    if (key === undefined || spell(key) !== step) continue
    if (found !== undefined) {
      throw new CheckpointError(NAME_DUPLICATE, { name: step, problem: "two keys are spelled so" })
    }
    found = { key, value }
  }
  return found
}
