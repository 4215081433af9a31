/**
 * What the command line needs of the library before a command is known. It stands apart from for-command-line.ts because
 * what one file exports again is loaded together: with the rest, `--version` would load 210 KB more.
 */

export { parseKeyPath, sayKeyPath } from "../text/key-path.ts"
export { nearestNames } from "../text/nearest-names.ts"
export { plainText, quoteText, safeMessage } from "../text/quote-text.ts"
export { reasonOf, systemCode, writeFailed } from "./system-errors.ts"
