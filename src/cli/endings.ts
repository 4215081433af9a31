/** How a command ends: exit codes, and errors that are none of the library. */

/** Exit codes. They are part of the interface: scripts branch on them. */
export const EXIT = {
  /** Done. */
  done: 0,
  /** The file was refused, or what was checked does not hold. */
  refused: 1,
  /** The command line was not understood. */
  usage: 2,
  /** Reading or writing failed. */
  io: 3,
  /** A defect of the program (EX_SOFTWARE of sysexits.h). */
  defect: 70,
  /** Ended from outside. The process exits with the code of the signal that it was. */
  interrupted: 130,
} as const

/** What a shell reports of a process that a signal ends: 128 and the number of the signal. */
export const EXIT_BY_SIGNAL: ReadonlyMap<NodeJS.Signals, number> = new Map<NodeJS.Signals, number>([
  ["SIGHUP", 129],
  ["SIGINT", EXIT.interrupted],
  ["SIGTERM", 143],
])

/** What was likely meant. */
export interface UsageHint {
  readonly next: string
  /** Can be pasted into a shell as it is. */
  readonly commands?: readonly string[]
}

/** Ends a command with a hint how it is used. Its message is shown to the user. */
export class UsageError extends Error {
  override readonly name = "UsageError"
  readonly hint: UsageHint | undefined

  constructor(message: string, options: ErrorOptions & { readonly hint?: UsageHint | undefined } = {}) {
    super(message, options)
    this.hint = options.hint
  }
}

/** A stream of the process takes no more. Reported as `write-failed`. */
export class StreamFailure extends Error {
  override readonly name = "StreamFailure"

  constructor(cause: Error) {
    super("a stream takes no more", { cause })
  }
}
