"""One case of the corpus: a checkpoint, and what must come out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Case:
    """A checkpoint that converts (``error`` is None) or is refused with the code ``error``."""

    group: str
    name: str
    #: One sentence: where such a file comes from, or what the case shows.
    source: str
    #: The bytes of the checkpoint.
    content: bytes
    #: The value that was saved. What comes out is computed from the part of it that ``path`` leads to.
    value: Any = None
    #: The keys that lead from the saved value to the tree of tensors that is converted.
    path: tuple[Any, ...] = ()
    #: ConvertOptions of the library, as JSON.
    options: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    #: Texts that the message of the error must contain.
    mentions: tuple[str, ...] = ()
    #: Whether torch.load reads this file back as ``value``. It does, save for a few known gaps in torch.
    torch_reads: bool = True
    #: Whether the case belongs to the small set that is committed.
    fixture: bool = True
    #: Whether the manifest says what the conversion leaves behind, as torch and zipfile see it (zip layout alone).
    unreferenced: bool = False
    extension: str = ".pt"

    @property
    def full_name(self) -> str:
        return f"{self.group}-{self.name}"
