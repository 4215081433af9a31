/** What the package exports. A change here is a change of the public interface. */

import { fileURLToPath } from "node:url"
import ts from "typescript"
import { describe, expect, it } from "vitest"
import * as universal from "../../src/index.ts"
import * as node from "../../src/node/index.ts"

const FUNCTIONS = [
  "CheckpointError",
  "DEFAULT_LIMITS",
  "checkSafetensors",
  "isCheckpointError",
  "open",
  "openCheckpoint",
  "openSafetensors",
  "parseSafetensorsHeader",
  "readSafetensorsHeader",
  "scan",
  "toFloat32Array",
  "toSafetensors",
  "toSafetensorsBlob",
  "toSafetensorsBytes",
  "toSafetensorsStream",
  "toTypedArray",
  "writePlan",
]

const TYPES = [
  "Alias",
  "AnyCheckpointError",
  "AsyncBuffer",
  "BlobLike",
  "BlobOptions",
  "ByteExtent",
  "ByteOrder",
  "ByteSink",
  "ByteSource",
  "Checkpoint",
  "CheckpointInput",
  "CheckpointLayout",
  "CheckpointPart",
  "ConversionPlan",
  "ConversionReport",
  "ConvertOptions",
  "ConvertedBlob",
  "CopySegment",
  "ElementTransform",
  "ErrorCode",
  "ErrorDetails",
  "ErrorRow",
  "ExtentLocator",
  "ExtraMember",
  "Fault",
  "FilterCandidate",
  "GatherSegment",
  "GlobalKnowledge",
  "GlobalVerdict",
  "HeaderFinding",
  "HeaderSegment",
  "HeldFile",
  "HidingStorage",
  "HttpOptions",
  "LeftOutParts",
  "Limits",
  "NameFilter",
  "NameMatch",
  "NamingOpcode",
  "OpenOptions",
  "OtherFile",
  "PartKind",
  "PlainObject",
  "PlainValue",
  "Plan",
  "PlanBlobOptions",
  "PlanOf",
  "PlanOptions",
  "PlanReport",
  "PlanSources",
  "PlanWarning",
  "PlannedExtent",
  "PlannedOutput",
  "PlannedSource",
  "PlannedTensor",
  "Progress",
  "ReadFailure",
  "ReadHeaderOptions",
  "RefusedGlobal",
  "RootCandidate",
  "RootReason",
  "SafetensorsCheck",
  "SafetensorsDtype",
  "SafetensorsFile",
  "SafetensorsHeader",
  "SafetensorsOutput",
  "SameNames",
  "ScanFinding",
  "ScanOptions",
  "ScanReport",
  "ScanVerdict",
  "ScannedFormat",
  "ScannedGlobal",
  "ScannedPickle",
  "Segment",
  "SharingPolicy",
  "SkippedTensor",
  "SourceStore",
  "StridedView",
  "SupportedTensorInfo",
  "TensorInfo",
  "TensorOptions",
  "TensorSource",
  "TypedArrayOf",
  "UnmatchedGlob",
  "UnreferencedBytes",
  "UnsupportedTensorInfo",
  "WriteOptions",
  "WritePlanOptions",
]

const pathOf = (file: string): string => fileURLToPath(new URL(`../../src/${file}`, import.meta.url))

const program = ts.createProgram(["index.ts", "node/index.ts"].map(pathOf), {
  noEmit: true,
  // What is exported has its name whatever types it is made of: those of DOM and Node take seconds.
  noLib: true,
  types: [],
  allowImportingTsExtensions: true,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  target: ts.ScriptTarget.ES2022,
})

function exportsOf(file: string): readonly string[] {
  const source = program.getSourceFile(pathOf(file))
  const symbol = source && program.getTypeChecker().getSymbolAtLocation(source)
  if (symbol === undefined) throw new Error(`${file} is no module`)
  return program
    .getTypeChecker()
    .getExportsOfModule(symbol)
    .map(({ name }) => name)
    .sort()
}

describe.each([
  ["index.ts", universal],
  ["node/index.ts", node],
] as const)("src/%s", (file, module) => {
  it("exports these values", () => {
    expect(Object.keys(module).sort()).toEqual(FUNCTIONS)
  })

  it("exports these names, types included", () => {
    expect(exportsOf(file)).toEqual([...FUNCTIONS, ...TYPES].sort())
  })
})
