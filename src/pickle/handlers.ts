/** What each accepted opcode does to the machine, one row an opcode, in the order of opcodes.ts. */

import { STEP_ITEMS, type Steps } from "../bytes/turns.ts"
import { GLOBAL_NAME_BYTES } from "./decode.ts"
import { PICKLE_OPCODE, PICKLE_STACK, PICKLE_TEXT, PICKLE_TYPE } from "./errors.ts"
import type { MachineState } from "./machine-state.ts"
import { OPCODE_BY_BYTE } from "./opcodes.ts"
import type { PickleValue } from "./values.ts"
import {
  describeValue,
  PickleDict,
  PickleFloat,
  PickleList,
  PickleSet,
  PickleTuple,
  RefusedObject,
  RefusedReference,
} from "./values.ts"

type Handler = (machine: MachineState) => void

/** Tuples do not change, so one without items serves all. */
const NO_ITEMS = /* @__PURE__ */ new PickleTuple([])

const pushOperand: Handler = (m) => m.push(m.decoder.operand as PickleValue)
const nothing: Handler = () => {}

/** By name. An opcode that is not here pushes its operand. */
const BY_NAME: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ["NONE", (m) => m.push(null)],
  ["NEWTRUE", (m) => m.push(true)],
  ["NEWFALSE", (m) => m.push(false)],
  ["BINFLOAT", (m) => m.push(new PickleFloat(m.decoder.operand as number))],
  ["EMPTY_LIST", (m) => m.push(new PickleList())],
  ["APPEND", (m) => append(m, [m.pop()])],
  ["APPENDS", (m) => append(m, m.popMark())],
  ["EMPTY_TUPLE", (m) => m.push(NO_ITEMS)],
  ["TUPLE", (m) => m.push(new PickleTuple(m.popMark()))],
  ["TUPLE1", (m) => m.push(new PickleTuple([m.pop()]))],
  ["TUPLE2", (m) => m.push(new PickleTuple(popSeveral(m, 2)))],
  ["TUPLE3", (m) => m.push(new PickleTuple(popSeveral(m, 3)))],
  ["EMPTY_DICT", (m) => m.push(new PickleDict())],
  ["SETITEM", (m) => setItems(m, popSeveral(m, 2))],
  ["SETITEMS", (m) => setItems(m, m.popMark())],
  ["EMPTY_SET", (m) => m.push(new PickleSet(false))],
  ["ADDITEMS", (m) => addItems(m, m.popMark())],
  ["FROZENSET", (m) => m.push(new PickleSet(true, m.prepareKeys(m.popMark(), 1)))],
  ["MARK", (m) => m.mark()],
  ["BINGET", (m) => m.recall(m.decoder.operand as number)],
  ["LONG_BINGET", (m) => m.recall(m.decoder.operand as number)],
  ["BINPUT", (m) => m.memoize(m.decoder.operand as number)],
  ["LONG_BINPUT", (m) => m.memoize(m.decoder.operand as number)],
  ["MEMOIZE", (m) => m.memoizeNext()],
  ["GLOBAL", (m) => pushGlobal(m, m.decoder.operand as string, m.decoder.name)],
  ["STACK_GLOBAL", stackGlobal],
  ["REDUCE", (m) => reduce(m, false)],
  ["BUILD", build],
  ["NEWOBJ", (m) => reduce(m, true)],
  ["NEWOBJ_EX", newObjectWithKeywords],
  ["PROTO", (m) => m.declareProtocol(m.decoder.operand as number)],
  ["STOP", nothing],
  ["FRAME", nothing],
  ["BINPERSID", (m) => m.push(m.policy.persistentLoad(m.pop(), m.decoder.at))],
])

/** The handlers by opcode byte; undefined where the opcode is refused. */
export const HANDLERS: readonly (Handler | undefined)[] = /* @__PURE__ */ OPCODE_BY_BYTE.map((opcode) =>
  opcode?.accepted === true ? (BY_NAME.get(opcode.name) ?? pushOperand) : undefined,
)

function popSeveral(machine: MachineState, count: number): PickleValue[] {
  const values: PickleValue[] = new Array(count)
  for (let i = count - 1; i >= 0; i--) values[i] = machine.pop()
  return values
}

/** Items from which on an opcode does its work in steps. Picklers write batches of 1,000. */
const UNFINISHED_FROM = 16_384

function appendAll(machine: MachineState, target: PickleList | PickleSet, items: PickleValue[]): void {
  // The first items become the list's own, which costs nothing.
  if (target.size > 0 && items.length > UNFINISHED_FROM) machine.unfinished = appendSteps(target, items)
  else target.append(items)
}

function keepParts(target: RefusedObject, parts: readonly PickleValue[]): void {
  for (const part of parts) target.parts.push(part)
}

function append(machine: MachineState, items: PickleValue[]): void {
  const target = machine.peek()
  if (target instanceof PickleList) appendAll(machine, target, items)
  else if (target instanceof RefusedObject) keepParts(target, items)
  else throw wrongTarget(machine, target, "a list")
}

function addItems(machine: MachineState, items: PickleValue[]): void {
  const target = machine.peek()
  if (target instanceof PickleSet && !target.frozen) appendAll(machine, target, machine.prepareKeys(items, 1))
  else if (target instanceof RefusedObject) keepParts(target, items)
  else throw wrongTarget(machine, target, "a set")
}

function setItems(machine: MachineState, flat: readonly PickleValue[]): void {
  const target = machine.peek()
  if (flat.length % 2 !== 0) {
    throw machine.fault(PICKLE_STACK, `${machine.opcodeName} has a key without a value`)
  }
  if (target instanceof RefusedObject) {
    keepParts(target, flat)
    return
  }
  if (!(target instanceof PickleDict)) throw wrongTarget(machine, target, "a dict")
  machine.makeEntries(flat.length / 2, target.size)
  machine.prepareKeys(flat, 2)
  if (flat.length > UNFINISHED_FROM) machine.unfinished = setItemsSteps(target, flat)
  else setSome(target, flat, 0, flat.length)
}

function setSome(target: PickleDict, flat: readonly PickleValue[], start: number, end: number): void {
  for (let i = start; i < end; i += 2) target.set(flat[i] as PickleValue, flat[i + 1] as PickleValue)
}

function* setItemsSteps(target: PickleDict, flat: readonly PickleValue[]): Steps<void> {
  for (let start = 0; start < flat.length; start += STEP_ITEMS) {
    setSome(target, flat, start, Math.min(start + STEP_ITEMS, flat.length))
    yield
  }
}

function* appendSteps(target: PickleList | PickleSet, items: readonly PickleValue[]): Steps<void> {
  for (let start = 0; start < items.length; start += UNFINISHED_FROM) {
    target.append(items.slice(start, start + UNFINISHED_FROM))
    yield
  }
}

function pushGlobal(machine: MachineState, module: string, name: string): void {
  const known = machine.policy.resolveGlobal(module, name)
  if (known !== undefined) {
    machine.push(known)
    return
  }
  machine.refuse(module, name)
}

function stackGlobal(machine: MachineState): void {
  const name = machine.pop()
  const module = machine.pop()
  if (typeof module !== "string" || typeof name !== "string") {
    throw machine.fault(PICKLE_TYPE, "STACK_GLOBAL needs two strings")
  }
  if (module.length > GLOBAL_NAME_BYTES || name.length > GLOBAL_NAME_BYTES) {
    throw machine.fault(PICKLE_TEXT, `a name is longer than ${GLOBAL_NAME_BYTES} characters`)
  }
  pushGlobal(machine, module, name)
}

function reduce(machine: MachineState, instantiate: boolean): void {
  const args = machine.pop()
  const callable = machine.pop()
  if (callable instanceof RefusedReference || callable instanceof RefusedObject) {
    const reference = callable instanceof RefusedReference ? callable : callable.reference
    reference.use = instantiate ? "instantiated" : "called"
    machine.push(new RefusedObject(reference, [args]))
    return
  }
  if (!(args instanceof PickleTuple)) {
    throw machine.fault(
      PICKLE_TYPE,
      `${machine.opcodeName} needs a tuple of arguments, not ${describeValue(args)}`,
    )
  }
  machine.push(machine.policy.call(callable, args, machine.decoder.at, instantiate))
}

/** Only followed for classes that are refused anyway, so that the refusal can name what else the pickle mentions. */
function newObjectWithKeywords(machine: MachineState): void {
  const keywords = machine.pop()
  const args = machine.pop()
  const callable = machine.pop()
  if (!(callable instanceof RefusedReference)) {
    throw machine.fault(PICKLE_OPCODE, "the opcode NEWOBJ_EX is not accepted")
  }
  callable.use = "instantiated"
  machine.push(new RefusedObject(callable, [args, keywords]))
}

function build(machine: MachineState): void {
  const state = machine.pop()
  const target = machine.peek()
  if (target instanceof RefusedObject) target.parts.push(state)
  else machine.policy.build(target, state, machine.decoder.at)
}

function wrongTarget(machine: MachineState, target: PickleValue, wanted: string): Error {
  return machine.fault(PICKLE_TYPE, `${machine.opcodeName} needs ${wanted}, not ${describeValue(target)}`)
}
