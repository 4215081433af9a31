/** What every build exports besides its verbs. */

export type {
  GlobalVerdict,
  NamingOpcode,
  ScanFinding,
  ScannedFormat,
  ScannedGlobal,
  ScannedPickle,
  ScanReport,
  ScanVerdict,
} from "../audit/scan-report.ts"
export { type AnyCheckpointError, isCheckpointError } from "../branded-error.ts"
export type { AsyncBuffer } from "../bytes/async-buffer-source.ts"
export type { BlobLike } from "../bytes/blob-source.ts"
export type { ByteExtent, ExtentLocator } from "../bytes/byte-extent.ts"
export type { ByteSink } from "../bytes/byte-sink.ts"
export type { ByteSource } from "../bytes/byte-source.ts"
export type {
  CheckpointPart,
  ErrorCode,
  ErrorDetails,
  Fault,
  GlobalKnowledge,
  HeaderFinding,
  HeldFile,
  OtherFile,
  PartKind,
  ReadFailure,
  RefusedGlobal,
  RootCandidate,
  UnmatchedGlob,
} from "../errors.ts"
export { CheckpointError } from "../errors.ts"
export type { HttpOptions } from "../http/http-options.ts"
export type { Limits } from "../limits.ts"
export { DEFAULT_LIMITS } from "../limits.ts"
export type { ConversionPlan, ConversionReport, PlannedTensor, PlanWarning } from "../plan/conversion-plan.ts"
export type { LeftOutParts, SameNames } from "../plan/left-out.ts"
export type { FilterCandidate, NameFilter } from "../plan/name-filter.ts"
export type { PlanOptions } from "../plan/plan-options.ts"
export type { Alias, SharingPolicy } from "../plan/resolve-sharing.ts"
export type { RootReason } from "../plan/root-reason.ts"
export type { NameMatch } from "../plan/same-names.ts"
export type {
  CopySegment,
  GatherSegment,
  LiteralSegment,
  Segment,
} from "../plan/segments.ts"
export type { ExtraMember, HidingStorage, UnreferencedBytes } from "../plan/unreferenced-bytes.ts"
export type { SafetensorsDtype } from "../safetensors/dtypes.ts"
export type { SafetensorsHeader } from "../safetensors/parse-header.ts"
export { parseSafetensorsHeader } from "../safetensors/parse-header.ts"
export type { SafetensorsCheck } from "../safetensors/read-header.ts"
export type { ElementFixes } from "../strided/convert.ts"
export type { StridedView } from "../strided/view.ts"
export type { ByteOrder, CheckpointLayout } from "../torch/checkpoint-contents.ts"
export type { PlannedOutput } from "../transfer/planned-output.ts"
export type { Progress } from "../transfer/run-plan.ts"
export type { Checkpoint } from "./checkpoint.ts"
export type { ConvertedBlob } from "./converted-blob.ts"
export type { BlobOptions, ConvertOptions, OpenOptions, ReadHeaderOptions, ScanOptions } from "./options.ts"
export type { PlainObject, PlainValue } from "./plain-values.ts"
export type { SupportedTensorInfo, TensorInfo, UnsupportedTensorInfo } from "./tensor-info.ts"
