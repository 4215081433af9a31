/** A command line that is not understood. */

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
