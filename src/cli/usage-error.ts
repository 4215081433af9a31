/** A command line that is not understood. */

/** Ends a command with a hint how it is used. Its message is shown to the user. */
export class UsageError extends Error {
  override readonly name = "UsageError"
}
