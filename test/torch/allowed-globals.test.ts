import { describe, expect, it } from "vitest"
import { ALLOWED_GLOBALS, findAllowedGlobal, isKnownGlobal } from "../../src/torch/allowed-globals.ts"

/** One line a global: what it is called and what it means. */
function lines(): readonly string[] {
  return ALLOWED_GLOBALS.map(({ module, name, meaning }) => {
    const detail = Object.entries(meaning)
      .filter(([key]) => key !== "is")
      .map(([, value]) => (typeof value === "object" ? value.name : (value ?? "untyped")))
    return [`${module}.${name}:`, meaning.is, ...detail].join(" ")
  }).sort()
}

describe("the list of globals", () => {
  it("is this, and any change of it is a change of what a checkpoint can do", () => {
    expect(lines().join("\n")).toMatchInlineSnapshot(`
      "__builtin__.bool: constant
      __builtin__.bytearray: plain-data bytearray
      __builtin__.bytes: plain-data bytes
      __builtin__.complex: plain-data complex
      __builtin__.dict: constant
      __builtin__.float: constant
      __builtin__.frozenset: plain-data frozenset
      __builtin__.int: constant
      __builtin__.list: constant
      __builtin__.set: plain-data set
      __builtin__.str: constant
      __builtin__.tuple: constant
      _codecs.encode: plain-data encode
      builtins.bool: constant
      builtins.bytearray: plain-data bytearray
      builtins.bytes: plain-data bytes
      builtins.complex: plain-data complex
      builtins.dict: constant
      builtins.float: constant
      builtins.frozenset: plain-data frozenset
      builtins.int: constant
      builtins.list: constant
      builtins.set: plain-data set
      builtins.str: constant
      builtins.tuple: constant
      collections.Counter: plain-data Counter
      collections.OrderedDict: plain-data OrderedDict
      collections.defaultdict: plain-data defaultdict
      torch.BFloat16Storage: storage-class bfloat16
      torch.BoolStorage: storage-class bool
      torch.ByteStorage: storage-class uint8
      torch.CharStorage: storage-class int8
      torch.ComplexDoubleStorage: storage-class complex128
      torch.ComplexFloatStorage: storage-class complex64
      torch.DoubleStorage: storage-class float64
      torch.FloatStorage: storage-class float32
      torch.HalfStorage: storage-class float16
      torch.IntStorage: storage-class int32
      torch.LongStorage: storage-class int64
      torch.QInt32Storage: storage-class qint32
      torch.QInt8Storage: storage-class qint8
      torch.QUInt2x4Storage: storage-class quint2x4
      torch.QUInt4x2Storage: storage-class quint4x2
      torch.QUInt8Storage: storage-class quint8
      torch.ShortStorage: storage-class int16
      torch.Size: plain-data size
      torch.Tensor: tensor-class
      torch.TypedStorage: constant
      torch.UntypedStorage: storage-class untyped
      torch._tensor._rebuild_from_type_v2: rebuild from-type
      torch._utils._rebuild_device_tensor_from_cpu_tensor: unsupported-rebuild which is none of torch's own true
      torch._utils._rebuild_device_tensor_from_numpy: unsupported-rebuild which torch saved as a NumPy array true
      torch._utils._rebuild_meta_tensor_no_storage: unsupported-rebuild a meta tensor, which has no values
      torch._utils._rebuild_nested_tensor: unsupported-rebuild a nested tensor
      torch._utils._rebuild_parameter: rebuild parameter
      torch._utils._rebuild_parameter_with_state: rebuild parameter-with-state
      torch._utils._rebuild_qtensor: unsupported-rebuild a quantized tensor
      torch._utils._rebuild_sparse_csr_tensor: unsupported-rebuild a sparse tensor
      torch._utils._rebuild_sparse_tensor: unsupported-rebuild a sparse tensor
      torch._utils._rebuild_tensor: rebuild tensor
      torch._utils._rebuild_tensor_v2: rebuild tensor-v2
      torch._utils._rebuild_tensor_v3: rebuild tensor-v3
      torch._utils._rebuild_wrapper_subclass: unsupported-rebuild a tensor subclass that wraps other tensors
      torch.bfloat16: dtype bfloat16
      torch.bits16: dtype bits16
      torch.bits1x8: dtype bits1x8
      torch.bits2x4: dtype bits2x4
      torch.bits4x2: dtype bits4x2
      torch.bits8: dtype bits8
      torch.bool: dtype bool
      torch.complex128: dtype complex128
      torch.complex32: dtype complex32
      torch.complex64: dtype complex64
      torch.cuda.BFloat16Storage: storage-class bfloat16
      torch.cuda.BoolStorage: storage-class bool
      torch.cuda.ByteStorage: storage-class uint8
      torch.cuda.CharStorage: storage-class int8
      torch.cuda.ComplexDoubleStorage: storage-class complex128
      torch.cuda.ComplexFloatStorage: storage-class complex64
      torch.cuda.DoubleStorage: storage-class float64
      torch.cuda.FloatStorage: storage-class float32
      torch.cuda.HalfStorage: storage-class float16
      torch.cuda.IntStorage: storage-class int32
      torch.cuda.LongStorage: storage-class int64
      torch.cuda.QInt32Storage: storage-class qint32
      torch.cuda.QInt8Storage: storage-class qint8
      torch.cuda.QUInt2x4Storage: storage-class quint2x4
      torch.cuda.QUInt4x2Storage: storage-class quint4x2
      torch.cuda.QUInt8Storage: storage-class quint8
      torch.cuda.ShortStorage: storage-class int16
      torch.device: plain-data device
      torch.distributed._mesh_layout._FlatLayout: distributed-part
      torch.distributed._mesh_layout._MeshLayout: distributed-part
      torch.distributed._tensor.DTensor: tensor-class
      torch.distributed._tensor._dtensor_spec.DTensorSpec: distributed-part
      torch.distributed._tensor._dtensor_spec.Partial: distributed-part
      torch.distributed._tensor._dtensor_spec.Replicate: distributed-part
      torch.distributed._tensor._dtensor_spec.Shard: distributed-part
      torch.distributed._tensor._dtensor_spec.ShardOrderEntry: distributed-part
      torch.distributed._tensor._dtensor_spec.TensorMeta: distributed-part
      torch.distributed._tensor._dtensor_spec._Partial: distributed-part
      torch.distributed._tensor._dtensor_spec._StridedShard: distributed-part
      torch.distributed._tensor.api.DTensor: tensor-class
      torch.distributed._tensor.device_mesh.DeviceMesh: distributed-part
      torch.distributed._tensor.placement_types.DTensorSpec: distributed-part
      torch.distributed._tensor.placement_types.Partial: distributed-part
      torch.distributed._tensor.placement_types.Replicate: distributed-part
      torch.distributed._tensor.placement_types.Shard: distributed-part
      torch.distributed._tensor.placement_types.ShardOrderEntry: distributed-part
      torch.distributed._tensor.placement_types.TensorMeta: distributed-part
      torch.distributed._tensor.placement_types._Partial: distributed-part
      torch.distributed._tensor.placement_types._StridedShard: distributed-part
      torch.distributed.device_mesh.DeviceMesh: distributed-part
      torch.distributed.tensor.DTensor: tensor-class
      torch.distributed.tensor._api.DTensor: tensor-class
      torch.distributed.tensor._dtensor_spec.DTensorSpec: distributed-part
      torch.distributed.tensor._dtensor_spec.Partial: distributed-part
      torch.distributed.tensor._dtensor_spec.Replicate: distributed-part
      torch.distributed.tensor._dtensor_spec.Shard: distributed-part
      torch.distributed.tensor._dtensor_spec.ShardOrderEntry: distributed-part
      torch.distributed.tensor._dtensor_spec.TensorMeta: distributed-part
      torch.distributed.tensor._dtensor_spec._Partial: distributed-part
      torch.distributed.tensor._dtensor_spec._StridedShard: distributed-part
      torch.distributed.tensor.placement_types.DTensorSpec: distributed-part
      torch.distributed.tensor.placement_types.Partial: distributed-part
      torch.distributed.tensor.placement_types.Replicate: distributed-part
      torch.distributed.tensor.placement_types.Shard: distributed-part
      torch.distributed.tensor.placement_types.ShardOrderEntry: distributed-part
      torch.distributed.tensor.placement_types.TensorMeta: distributed-part
      torch.distributed.tensor.placement_types._Partial: distributed-part
      torch.distributed.tensor.placement_types._StridedShard: distributed-part
      torch.float16: dtype float16
      torch.float32: dtype float32
      torch.float4_e2m1fn_x2: dtype float4_e2m1fn_x2
      torch.float64: dtype float64
      torch.float8_e4m3fn: dtype float8_e4m3fn
      torch.float8_e4m3fnuz: dtype float8_e4m3fnuz
      torch.float8_e5m2: dtype float8_e5m2
      torch.float8_e5m2fnuz: dtype float8_e5m2fnuz
      torch.float8_e8m0fnu: dtype float8_e8m0fnu
      torch.int16: dtype int16
      torch.int1: dtype int1
      torch.int2: dtype int2
      torch.int32: dtype int32
      torch.int3: dtype int3
      torch.int4: dtype int4
      torch.int5: dtype int5
      torch.int64: dtype int64
      torch.int6: dtype int6
      torch.int7: dtype int7
      torch.int8: dtype int8
      torch.jit._pickle.build_boollist: plain-data first-of-one
      torch.jit._pickle.build_doublelist: plain-data first-of-one
      torch.jit._pickle.build_intlist: plain-data first-of-one
      torch.jit._pickle.build_tensor_from_id: plain-data tensor-id
      torch.jit._pickle.build_tensorlist: plain-data first-of-one
      torch.jit._pickle.restore_type_tag: plain-data first-of-two
      torch.nn.parameter.Buffer: tensor-class
      torch.nn.parameter.Parameter: tensor-class
      torch.per_channel_affine: constant
      torch.per_channel_affine_float_qparams: constant
      torch.per_channel_symmetric: constant
      torch.per_tensor_affine: constant
      torch.per_tensor_symmetric: constant
      torch.qint32: dtype qint32
      torch.qint8: dtype qint8
      torch.quint2x4: dtype quint2x4
      torch.quint4x2: dtype quint4x2
      torch.quint8: dtype quint8
      torch.serialization._get_layout: plain-data layout
      torch.storage.TypedStorage: constant
      torch.storage.UntypedStorage: storage-class untyped
      torch.uint16: dtype uint16
      torch.uint1: dtype uint1
      torch.uint2: dtype uint2
      torch.uint32: dtype uint32
      torch.uint3: dtype uint3
      torch.uint4: dtype uint4
      torch.uint5: dtype uint5
      torch.uint64: dtype uint64
      torch.uint6: dtype uint6
      torch.uint7: dtype uint7
      torch.uint8: dtype uint8"
    `)
  })

  it("names each global once", () => {
    const names = ALLOWED_GLOBALS.map(({ module, name }) => `${module} ${name}`)
    expect(new Set(names).size).toBe(names.length)
  })

  it("finds each by its exact name", () => {
    for (const global of ALLOWED_GLOBALS) {
      const { module, name } = global
      expect(findAllowedGlobal(module, name)).toBe(global)
      expect(isKnownGlobal(global)).toBe(true)
      for (const [m, n] of [
        [module, `${name} `],
        [` ${module}`, name],
        [module, `${name}\0`],
        [`${module}.${name}`, ""],
        [module, `x.${name}`],
        [`${module}\n${name}`, ""],
        ["", `${module}\n${name}`],
        [module.toUpperCase(), name],
      ] as const) {
        expect(findAllowedGlobal(m, n)).toBeUndefined()
      }
    }
  })

  it.each([
    ["__proto__", "toString"],
    ["torch", "constructor"],
    ["torch", "__proto__"],
    ["torch", "hasOwnProperty"],
    ["", ""],
    ["os", "system"],
    ["builtins", "eval"],
    ["builtins", "getattr"],
    ["builtins", "__import__"],
    ["torch", "load"],
    ["torch.hub", "load"],
    ["torch.storage", "_load_from_bytes"],
    ["torch.serialization", "load"],
    ["torch", "FloatTensor"],
    ["torch._utils", "_rebuild_tensor_v2.__globals__"],
    ["torch.serialization.os", "system"],
    ["numpy", "ndarray"],
    ["functools", "partial"],
    ["copyreg", "_reconstructor"],
    ["pkgutil", "resolve_name"],
  ])("has no %j %j", (module, name) => {
    expect(findAllowedGlobal(module, name)).toBeUndefined()
  })
})
