/** What the command line needs of the library beyond its public API, all of it. Nothing else imports this. */

export { TRUNCATED } from "../bytes/errors.ts"
export { ERROR_ROWS } from "../errors/all-errors.ts"
export { type ScaledLimit, scaledLimit, withLimits } from "../limits/limits.ts"
export { requireWithinScaled } from "../limits/require-within.ts"
export { NEXT_AT_DANGER, NEXT_AT_UNKNOWN } from "../pickle/errors.ts"
export { CONVERTED_BY, FORMAT, OWN_METADATA_KEYS, SOURCE_BYTES, SOURCE_SHA256 } from "../plan/plan-options.ts"
export { FileSink, prepareFileSink } from "./file-sink.ts"
export { FileSource, type FileStatus } from "./file-source.ts"
export { inheritedSink, inheritedSource } from "./inherited-files.ts"
export { type NodeOutputRequest, openNodeInput, openNodeOutput } from "./platform.ts"
export { sha256Of, watchStatusOf } from "./sha256.ts"
export { readFailed, writeFailed } from "./system-errors.ts"
