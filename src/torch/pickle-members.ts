/**
 * The pickles of an archive, those included that torch.load would not look at: whoever unpacks the archive may.
 *
 * A conversion reads `data.pkl` alone. It refuses the archive all the same when another pickle of it names a global
 * that is not on the list, so that what is converted and what an audit finds clean are the same files.
 */

import type { ByteExtent } from "../bytes/byte-extent.ts"
import { locateExtents } from "../bytes/byte-extent.ts"
import { inflateExtent } from "../bytes/inflate.ts"
import { readExactly } from "../bytes/read-exactly.ts"
import { readExtent } from "../bytes/read-extent.ts"
import { inTurns, type Steps, turnIfDue } from "../bytes/turns.ts"
import type { RefusedGlobal } from "../errors.ts"
import { CheckpointError } from "../errors.ts"
import type { Limits } from "../limits.ts"
import { listGlobalsSteps } from "../pickle/list-globals.ts"
import { MOST_REFUSED } from "../pickle/machine-state.ts"
import type { GlobalMention } from "../pickle/shadow-stack.ts"
import { findAllowedGlobal } from "./allowed-globals.ts"
import type { ReadingOptions } from "./checkpoint-contents.ts"
import { PickleAllowance } from "./pickle-allowance.ts"
import { isTorchRecord } from "./unclaimed-members.ts"

/** Raw elements of tensors, which begin with any bytes. `data/weights` and `data/constants` are torch.export's. */
const RAW_DATA = /(?:^|\/)(?:(?:data|constants)\/[0-9]{1,20}|data\/(?:weights|constants)\/[^/]+)$/

/** Names that pickles have: of torch.save, of TorchScript, of people. */
const PICKLE_NAME = /\.(?:pkl|debug_pkl|pickle)$/i

const PROTO = 0x80
/** PROTO and its version. */
const HEAD_BYTES = 2

/** Those of `members` that are pickles by their name or by their first bytes. Reads the beginning of each in question. */
export async function findPickleMembers(
  members: Iterable<ByteExtent>,
  options: Pick<ReadingOptions, "signal" | "inflate">,
): Promise<readonly ByteExtent[]> {
  const found: ByteExtent[] = []
  const inQuestion = Array.from(members).filter(mayBePickle)
  await locateExtents(inQuestion, options.signal)
  for (const member of inQuestion) {
    const { name } = member
    await turnIfDue(options.signal)
    if (PICKLE_NAME.test(name) || (await beginsAsPickle(member, options))) found.push(member)
  }
  return found
}

function mayBePickle(member: ByteExtent): boolean {
  const { name, byteLength } = member
  if (RAW_DATA.test(name) || byteLength <= HEAD_BYTES) return false
  return !isTorchRecord(name.slice(name.indexOf("/") + 1), member)
}

async function beginsAsPickle(
  member: ByteExtent,
  { signal, inflate = inflateExtent }: Pick<ReadingOptions, "signal" | "inflate">,
): Promise<boolean> {
  const { source, offset, name } = member
  if (member.coding === "stored") {
    return isPickleHead(await readExactly(source, { offset, length: HEAD_BYTES }, signal, name))
  }
  for await (const chunk of inflate(member, signal)) return isPickleHead(chunk)
  return false
}

/** PROTO with a version that has it. Pickles of protocols 0 and 1 begin with anything; their names must tell. */
function isPickleHead([first, version = 0]: Uint8Array): boolean {
  return first === PROTO && version >= 2 && version <= 5
}

/** Whether bytes are a pickle, and not text that happens to begin with letters that are opcodes. */
export function* isPickleSteps(bytes: Uint8Array, limits: Limits): Steps<boolean> {
  if (isPickleHead(bytes)) return true
  const mentions: GlobalMention[] = []
  const onMention = (mention: GlobalMention): GlobalMention => {
    if (mentions.length < MOST_REFUSED) mentions.push(mention)
    return mention
  }
  const listing = { within: "pickle", limits, onMention, oddities: "keep" } as const
  const { complete, fault } = yield* listGlobalsSteps(bytes, listing)
  // Whatever has more opcodes than are looked at is made of opcodes, and may name anything behind them.
  return complete || fault?.code === "limit-exceeded" || mentions.some(({ use }) => use !== "mentioned")
}

/** @throws `limit-exceeded` when there is more than is looked at, and nothing to refuse in what was. */
function* listRefusedGlobals(
  bytes: Uint8Array,
  within: string,
  limits: Limits,
): Steps<readonly GlobalMention[]> {
  const mentions: GlobalMention[] = []
  const onMention = (mention: GlobalMention): GlobalMention | undefined => {
    if (findAllowedGlobal(mention.module, mention.name) === undefined) mentions.push(mention)
    return mentions.length < MOST_REFUSED ? mention : undefined
  }
  const { fault } = yield* listGlobalsSteps(bytes, { within, limits, onMention, oddities: "keep" })
  // Python stops where the bytes are no pickle any more, but not where we stop looking.
  if (mentions.length === 0 && fault?.code === "limit-exceeded") throw fault
  return mentions
}

/** @throws `global-not-allowed` with what `strays` name; `limit-exceeded` when they are too large to look at. */
export async function refuseStrayGlobals(
  strays: readonly ByteExtent[],
  options: ReadingOptions,
): Promise<void> {
  const { limits, signal } = options
  const globals: RefusedGlobal[] = []
  const allowance = new PickleAllowance(limits)
  for (const member of strays) {
    const { name: pickle } = member
    allowance.take(member)
    const bytes = await readExtent(member, options)
    if (!(await inTurns(isPickleSteps(bytes, limits), signal))) continue
    const refused = await inTurns(listRefusedGlobals(bytes, pickle, limits), signal)
    for (const { module, name, at, use } of refused) {
      if (globals.length === MOST_REFUSED) break
      globals.push({ global: `${module}.${name}`, pickle, at, use, referredToBy: undefined })
    }
  }
  if (globals.length > 0) throw new CheckpointError("global-not-allowed", { globals })
}
