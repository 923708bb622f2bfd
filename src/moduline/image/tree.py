"""A file tree: the ordered files of one mount, in memory; what goes into an image and what comes out of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self

from moduline.formats.littlefs import Entries, complete


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One file or directory.

    Attributes:
        path: relative, with ``/`` between names, such as "usr/a.py".
        data: content of a file; ``None`` for a directory.
    """

    path: str
    data: bytes | None = None


@dataclass(frozen=True, slots=True)
class FileTree:
    """Files and directories in the order in which an image creates them; checked when made.

    Rules: names of 1 to 255 bytes of UTF-8 without ``/`` and zero, paths relative and without ``.`` and ``..``, no path
    twice, nothing below a file. A directory may be left out when something stands in it.

    Raises:
        BadOption: a path breaks a rule.
        TooBig: a name or a path is too long.
    """

    entries: tuple[TreeEntry, ...] = ()
    _by_path: dict[str, TreeEntry] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for _ in complete(self.pairs()):
            continue
        self._by_path.update((entry.path, entry) for entry in self.entries)

    @classmethod
    def of(cls, files: Mapping[str, bytes | None]) -> Self:
        """A tree of paths and contents, in the mapping's order; ``None`` makes a directory."""
        return cls(tuple(TreeEntry(path, data) for path, data in files.items()))

    @classmethod
    def of_pairs(cls, entries: Entries) -> Self:
        """A tree of the entries that an image reader gives."""
        return cls(tuple(TreeEntry(path, data) for path, data in entries))

    def pairs(self) -> tuple[tuple[str, bytes | None], ...]:
        """The entries as the image writers take them."""
        return tuple((entry.path, entry.data) for entry in self.entries)

    def files(self) -> dict[str, bytes]:
        """Content of every file by its path, in order."""
        return {entry.path: entry.data for entry in self.entries if entry.data is not None}

    def directories(self) -> tuple[str, ...]:
        """Every directory, the implied ones too, each before its content."""
        return tuple(path for path, data in complete(self.pairs()) if data is None)

    def normal(self) -> FileTree:
        """The same tree with every implied directory written down before its content."""
        return FileTree.of_pairs(tuple(complete(self.pairs())))

    def get(self, path: str) -> bytes | None:
        """Content of a file; ``None`` when there is no such file."""
        entry = self._by_path.get(path)
        return entry.data if entry else None

    def with_entry(self, path: str, data: bytes | None) -> FileTree:
        """The tree with one entry replaced in its place, or added at the end."""
        new = TreeEntry(path, data)
        if path not in self._by_path:
            return FileTree((*self.entries, new))
        return FileTree(tuple(new if entry.path == path else entry for entry in self.entries))

    def without(self, path: str) -> FileTree:
        """The tree without an entry and all that is below it."""
        inside = path + "/"
        return FileTree(tuple(e for e in self.entries if e.path != path and not e.path.startswith(inside)))

    def below(self, folder: str) -> FileTree:
        """The tree as seen from inside one of its directories."""
        inside = folder + "/"
        kept = (e for e in self.entries if e.path.startswith(inside))
        return FileTree(tuple(TreeEntry(e.path.removeprefix(inside), e.data) for e in kept))

    def under(self, folder: str) -> FileTree:
        """The tree moved into a directory."""
        return FileTree(tuple(TreeEntry(f"{folder}/{e.path}", e.data) for e in self.entries))

    @property
    def content_bytes(self) -> int:
        """Sum of all file sizes."""
        return sum(len(entry.data) for entry in self.entries if entry.data is not None)

    def __iter__(self) -> Iterator[TreeEntry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, path: object) -> bool:
        return path in self._by_path
