"""The numbers the cases are made of: every dtype that safetensors names, with seeded and with special values."""

from __future__ import annotations

import math
import random
import zlib

import torch

#: Name in safetensors -> dtype in torch.
DTYPES: dict[str, torch.dtype] = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
    "U16": torch.uint16,
    "U32": torch.uint32,
    "U64": torch.uint64,
    "C64": torch.complex64,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "F8_E4M3FNUZ": torch.float8_e4m3fnuz,
    "F8_E5M2FNUZ": torch.float8_e5m2fnuz,
    "F8_E8M0": torch.float8_e8m0fnu,
    "F4": torch.float4_e2m1fn_x2,
}

#: Dtypes that torch saves with _rebuild_tensor_v3 over an UntypedStorage. It cannot load them from the legacy layout.
UNTYPED = {"U16", "U32", "U64", "F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "F8_E8M0", "F4"}

#: Bit patterns: NaN with payload, signalling NaN, negative NaN, both infinities, -0, both smallest subnormals,
#: the largest subnormal, the largest number, one.
_FLOAT_BITS: dict[str, tuple[int, list[int]]] = {
    "F64": (
        8,
        [
            0x7FF8000000ABCDEF,
            0x7FF0000000000001,
            0xFFFFFFFFFFFFFFFF,
            0x7FF0000000000000,
            0xFFF0000000000000,
            0x8000000000000000,
            0x1,
            0x8000000000000001,
            0x000FFFFFFFFFFFFF,
            0x7FEFFFFFFFFFFFFF,
            0x3FF0000000000000,
        ],
    ),
    "F32": (
        4,
        [
            0x7FC0ABCD,
            0x7F800001,
            0xFFFFFFFF,
            0x7F800000,
            0xFF800000,
            0x80000000,
            0x1,
            0x80000001,
            0x007FFFFF,
            0x7F7FFFFF,
            0x3F800000,
        ],
    ),
    "F16": (2, [0x7E12, 0x7C01, 0xFFFF, 0x7C00, 0xFC00, 0x8000, 0x0001, 0x8001, 0x03FF, 0x7BFF, 0x3C00]),
    "BF16": (2, [0x7FC5, 0x7F81, 0xFFFF, 0x7F80, 0xFF80, 0x8000, 0x0001, 0x8001, 0x007F, 0x7F7F, 0x3F80]),
}


def from_bytes(raw: bytes, name: str, *shape: int) -> torch.Tensor:
    tensor = torch.frombuffer(bytearray(raw), dtype=torch.uint8).clone().view(DTYPES[name])
    return tensor.reshape(shape) if shape else tensor


def special(name: str) -> torch.Tensor:
    """The values of a dtype that a careless reader changes; for dtypes of one byte, every bit pattern."""
    if name == "BOOL":
        return torch.tensor([True, False, False, True])
    if name == "C64":
        floats = special("F32")
        return torch.view_as_complex(torch.stack([floats, floats.flip(0)], dim=1).contiguous())
    if name in _FLOAT_BITS:
        width, patterns = _FLOAT_BITS[name]
        return from_bytes(b"".join(bits.to_bytes(width, "little") for bits in patterns), name)
    width = DTYPES[name].itemsize
    if width == 1:
        return from_bytes(bytes(range(256)), name)
    lowest, highest = 1 << (8 * width - 1), (1 << (8 * width - 1)) - 1
    patterns = [0, 1, lowest, highest, (1 << (8 * width)) - 1, int.from_bytes(bytes(range(1, width + 1)), "big")]
    return from_bytes(b"".join(bits.to_bytes(width, "little") for bits in patterns), name)


def filled(name: str, *shape: int, seed: str = "") -> torch.Tensor:
    """A tensor of seeded random bytes, so that every element differs and NaNs with payloads occur."""
    generator = random.Random(zlib.crc32(f"{name}{shape}{seed}".encode()))
    raw = generator.randbytes(math.prod(shape) * DTYPES[name].itemsize)
    if name == "BOOL":
        raw = bytes(byte & 1 for byte in raw)
    return from_bytes(raw, name, *shape) if raw else torch.empty(shape, dtype=DTYPES[name])


def counting(name: str, *shape: int) -> torch.Tensor:
    """0, 1, 2, ... (with imaginary parts 0.5, 1.5, ... for complex dtypes): values that survive arithmetic."""
    count = torch.arange(math.prod(shape), dtype=torch.float64).reshape(shape)
    return torch.complex(count, count + 0.5).to(DTYPES[name]) if name == "C64" else count.to(DTYPES[name])
