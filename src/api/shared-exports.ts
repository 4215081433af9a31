/** What every build exports besides its verbs. */

export type {
  GlobalVerdict,
  NamingOpcode,
  ScannedGlobal,
  ScannedPickle,
  ScanReport,
  ScanVerdict,
} from "../audit/scan-report.ts"
export type { ByteExtent, ExtentLocator } from "../bytes/byte-extent.ts"
export type { ByteSink } from "../bytes/byte-sink.ts"
export type { ByteSource } from "../bytes/byte-source.ts"
export type { ReadFailure } from "../bytes/errors.ts"
export type { SourceStore } from "../bytes/source-store.ts"
export type { AsyncBuffer, BlobLike } from "../bytes/sources.ts"
export type { RootReason } from "../checkpoint/checkpoint-level.ts"
export type { NameMatch } from "../checkpoint/checkpoint-parts.ts"
export type { CheckpointPart, PartKind, RootCandidate } from "../checkpoint/errors.ts"
export type {
  ConversionPlan,
  ConversionReport,
  LeftOutParts,
  PlanOptions,
  SameNames,
} from "../checkpoint/plan-checkpoint.ts"
export type { ExtraMember, HidingStorage, UnreferencedBytes } from "../checkpoint/unreferenced-bytes.ts"
export type { ErrorCode, ErrorDetails } from "../errors/all-errors.ts"
export { type AnyCheckpointError, CheckpointError, isCheckpointError } from "../errors/checkpoint-error.ts"
export type { ErrorRow, Fault } from "../errors/error-row.ts"
export type { HttpOptions } from "../http/http-options.ts"
export type { ScanFinding, ScannedFormat } from "../layouts/layout.ts"
export { DEFAULT_LIMITS, type Limits } from "../limits/limits.ts"
export type { GlobalKnowledge, RefusedGlobal } from "../pickle/errors.ts"
export type { UnmatchedGlob } from "../plan/errors.ts"
export type {
  CopySegment,
  GatherSegment,
  HeaderSegment,
  Plan,
  PlannedExtent,
  PlannedSource,
  PlannedTensor,
  PlanReport,
  PlanWarning,
  Segment,
  SkippedTensor,
} from "../plan/plan.ts"
export type { FilterCandidate, NameFilter, TensorOptions } from "../plan/plan-options.ts"
export type { Alias, SharingPolicy } from "../plan/resolve-sharing.ts"
export type { SafetensorsDtype } from "../safetensors/dtypes.ts"
export type { HeaderFinding } from "../safetensors/errors.ts"
export type { SafetensorsHeader } from "../safetensors/parse-header.ts"
export { parseSafetensorsHeader } from "../safetensors/parse-header.ts"
export type { SafetensorsCheck } from "../safetensors/read-header.ts"
export type { ElementTransform } from "../strided/elements.ts"
export type { StridedView } from "../strided/view.ts"
export { type TypedArrayOf, toFloat32Array, toTypedArray } from "../tensors/typed-arrays.ts"
export type { CheckpointLayout } from "../torch/checkpoint-contents.ts"
export type { HeldFile, OtherFile } from "../torch/errors.ts"
export type { ByteOrder } from "../torch/torch-tensors.ts"
export type { PlannedOutput } from "../transfer/planned-output.ts"
export type { Progress } from "../transfer/run-plan.ts"
export type { PlainObject, PlainValue } from "./checkpoint.ts"
export type { ConvertedBlob, PlanBlobOptions } from "./converted-blob.ts"
export type { BlobOptions, ConvertOptions, OpenOptions, ReadHeaderOptions, ScanOptions } from "./options.ts"
export type { PlanOf, SupportedTensorInfo, TensorInfo, UnsupportedTensorInfo } from "./tensor-file.ts"
export type { TensorSource } from "./tensor-source.ts"
export type { PlanSources, WriteOptions, WritePlanOptions } from "./write-plan.ts"
