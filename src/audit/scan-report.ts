/** What a scan says of a file. Plain data: it can be printed as JSON. */

import type { ScanFinding, ScannedFormat } from "../layouts/layout.ts"

/**
 * `allowed` is on the list of globals that the machine knows and rebuilds. Everything else is refused: `dangerous` when
 * it is known to run code, to reach the system or to read other data, `unknown` otherwise.
 */
export type GlobalVerdict = "allowed" | "unknown" | "dangerous"

/** Opcodes that name a global. FRAME stands for one that ends within another opcode: what follows only Python can tell. */
export type NamingOpcode = "GLOBAL" | "STACK_GLOBAL" | "INST" | "EXT1" | "EXT2" | "EXT4" | "FRAME"

/** One global that a pickle names, however often it does so. */
export interface ScannedGlobal {
  /** As the pickle writes it. Empty where the name cannot be known without running the pickle. */
  readonly module: string
  readonly name: string
  readonly verdict: GlobalVerdict
  /** The pickle that names it. */
  readonly pickle: string
  /** Byte offset of the opcode that names it first: in the archive's member, or in the file where there is none. */
  readonly at: number
  /** The same in the file; undefined in a deflated member. */
  readonly fileOffset: number | undefined
  /** That opcode. */
  readonly opcode: NamingOpcode
  /** The most that the pickle does with it: calls it, builds an object of it, or only mentions it. */
  readonly use: "called" | "instantiated" | "mentioned"
  /** Opcode that first uses it so, such as `REDUCE`, and its byte offset; undefined when it is only mentioned. */
  readonly usedBy: { readonly opcode: string; readonly at: number } | undefined
  /** How many opcodes name it. */
  readonly count: number
  /** What makes a dangerous global dangerous, and where that is written down. */
  readonly danger: { readonly reason: string; readonly source: string } | undefined
  /** What an unknown global is, where that is known, and where it is written down. */
  readonly about: { readonly what: string; readonly source: string } | undefined
}

/** One pickle of the file. */
export interface ScannedPickle {
  /** The archive's member, or the pickle's place in the file. */
  readonly name: string
  /** Where it begins in the file; undefined in a deflated member. */
  readonly offset: number | undefined
  /** Bytes of it, inflated. */
  readonly byteLength: number
  /** What it declares; undefined when it declares none. */
  readonly protocol: number | undefined
  readonly opcodeCount: number
  /** Whether it could be decoded up to its STOP. */
  readonly complete: boolean
}

/**
 * `refused` when a conversion would refuse to open the file, or when the file breaks a rule of its format.
 * `not-a-model` when it is some other file: neither a checkpoint nor a pickle, and not meant as one by its name. Nothing is
 * wrong with it, and nothing of it would be converted.
 */
export type ScanVerdict = "clean" | "refused" | "not-a-model"

/** The answer of a scan. */
export interface ScanReport {
  readonly verdict: ScanVerdict
  readonly format: ScannedFormat
  readonly byteLength: number
  readonly pickles: readonly ScannedPickle[]
  /** Dangerous ones first, then unknown ones, then allowed ones; in the order of the file within each. */
  readonly globals: readonly ScannedGlobal[]
  readonly findings: readonly ScanFinding[]
}
