"""What somebody wants of an update: kept in the address of the page, so that a reload changes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import PurePosixPath
from typing import Any, Final, Self
from urllib.parse import urlencode

from moduline.delta.make import KINDS
from moduline.web import host_files

PATH: Final = "/studio/fota"
STORES: Final = ("fp", "fs")
FOLDER: Final = "patches"
"""Where patches go unless another place is named; below the root."""
KIB: Final = 1024


@dataclass(frozen=True, slots=True)
class Wish:
    """An update to be made. All paths are below the root.

    Args:
        old: what runs before; "": not chosen yet.
        new: what shall run afterwards; "": not chosen yet.
        kind: ``diff``, ``full`` or ``mini``.
        store: ``fs`` or ``fp``: where the patch is to lie.
        spare: spare flash in KiB; "": as the module has it.
        user_fs: image of the scripts for ``full`` and ``mini``; "": the one in the new package.
        key: file of the private key that signs; "": none.
        out: where the patch goes; "": below ``FOLDER``, by the name of the new package.
    """

    old: str = ""
    new: str = ""
    kind: str = "diff"
    store: str = "fp"
    spare: str = ""
    user_fs: str = ""
    key: str = ""
    out: str = ""

    @classmethod
    def of(cls, words: Mapping[str, Any]) -> Self:
        """From the words of an address; what is not known is left at its beginning."""
        known = {one.name: str(words[one.name]) for one in fields(cls) if one.name in words}
        wish = cls(**known)
        kind = wish.kind if wish.kind in KINDS else KINDS[0]
        store = wish.store if wish.store in STORES else STORES[0]
        spare = wish.spare if wish.spare.isascii() and wish.spare.isdecimal() and len(wish.spare) < 7 else ""
        return replace(wish, kind=kind, store=store, spare=spare)

    def with_other(self, **words: str) -> Self:
        """The same but for some words."""
        return replace(self, **words)

    @property
    def address(self) -> str:
        """Of the page that shows it."""
        first = type(self)()
        words = {name: value for name, value in asdict(self).items() if value != getattr(first, name)}
        return f"{PATH}?{urlencode(words)}" if words else PATH

    @property
    def is_complete(self) -> bool:
        """Whether both packages are chosen."""
        return bool(self.old and self.new)

    @property
    def spare_bytes(self) -> int | None:
        """Spare flash; None: as the module has it."""
        return int(self.spare) * KIB if self.spare else None

    @property
    def output(self) -> str:
        """Where the patch goes."""
        if self.out:
            return self.out
        stem = PurePosixPath(self.new).name.rpartition(".")[0] or PurePosixPath(self.new).name
        return f"{FOLDER}/{stem[:80]}-{self.kind}.bin"

    @property
    def job_key(self) -> str:
        """What a job that makes it works at: this wish, and the files as they are now."""
        stamps = []
        for name in filter(None, (self.old, self.new, self.user_fs, self.key)):
            path = host_files.resolve(name)
            known = path.stat() if path.is_file() else None
            stamps.append((name, known.st_size, known.st_mtime_ns) if known is not None else (name, 0, 0))
        return hashlib.sha256(repr((self, stamps)).encode()).hexdigest()[:16]
