/** What a pickle is that stands in no checkpoint, as far as its opcodes tell. Nothing of it is made or called. */

import type { ByteSource } from "../../bytes/byte-source.ts"
import { readExactly } from "../../bytes/read-exactly.ts"
import type { LoadedParts, OpcodeReader } from "../layout.ts"
import { type Likeness, likeness } from "../other/signatures.ts"

/** A first storage is asked for within some hundred bytes of a `data.pkl`; much may stand before it. */
const MOST_BYTES = 1_048_576
const MOST_OPCODES = 100_000

/** What torch's own pickler calls what it keeps beside the pickle (torch 2.13, `serialization.py`, `persistent_id`). */
const STORAGE = "storage"

/** Modules that a pickle names, and what it is then, most telling first. */
const MAKERS: readonly (readonly [module: RegExp, words: string])[] = [
  [/^joblib\./, "a joblib file (scikit-learn and others)"],
  [/^sklearn\./, "a pickled scikit-learn model"],
  [/^torch\.storage$/, "a pickle of tensors that pickle.dump wrote, not torch.save"],
  [/^torch\b/, "a pickle of PyTorch objects that was not written by torch.save"],
  [/^numpy\b/, "a pickle of NumPy arrays"],
]

/** What the pickle in `source` is. */
export async function describeBarePickle(
  source: ByteSource,
  { readOpcodes, signal }: LoadedParts,
): Promise<Likeness> {
  const length = Math.min(source.byteLength, MOST_BYTES)
  const { asksForStorages, texts } = survey(
    readOpcodes(await readExactly(source, { offset: 0, length }, signal)),
  )
  if (asksForStorages) {
    const words =
      "the data.pkl of an unpacked PyTorch checkpoint: it asks for weights that lie in files beside it"
    return likeness("pickled-storages", words)
  }
  const maker = MAKERS.find(([module]) => [...texts].some((text) => module.test(text)))
  return likeness("pickle", maker?.[1] ?? "a plain pickle, not written by torch.save")
}

interface Survey {
  asksForStorages: boolean
  /** Short texts, names of modules among them. Names are few. */
  readonly texts: ReadonlySet<string>
}

function survey(reader: OpcodeReader): Survey {
  const texts = new Set<string>()
  let asksForStorages = false
  try {
    for (let count = 0; count < MOST_OPCODES; count++) {
      const { name } = reader.next()
      const { operand } = reader
      if (name === "STOP") break
      if (name === "BINPERSID") asksForStorages ||= texts.has(STORAGE)
      else if (typeof operand === "string" && operand.length <= 64 && texts.size < 256) texts.add(operand)
    }
  } catch {
    // What could be read tells enough: scan and conversion say what is wrong with it.
  }
  return { asksForStorages, texts }
}
