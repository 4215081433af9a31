/**
 * What the command line needs of the library before a command is known. It stands apart from for-command-line.ts because
 * what one file exports again is loaded together: with the rest, `--version` would load 210 KB more.
 */

export { nearestNames } from "../text/nearest-names.ts"
export { parseKeyPath, plainText, quoteText, safeMessage, sayKeyPath } from "../text/quote-text.ts"
export { reasonOf, systemCode, writeFailed } from "./system-errors.ts"
