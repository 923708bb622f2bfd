"""What ``burn`` and ``gang run`` burn: a package, or a project folder merged into a stock package on the way.

::

    burn QUEC_TEST_1.0.0.zip                           the file as it is
    burn my_project --base stock.zip [-o out/]         merged as ``pack build`` does, kept, burnt

The package is kept before the first module is touched: what is on the modules can be looked at and burnt again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from moduline.cli.build import show_remarks
from moduline.cli.disk import read_file
from moduline.cli.language import say
from moduline.cli.output import note
from moduline.digest import sha256_hex
from moduline.errors import BadOption, Text
from moduline.release import keeping, output
from moduline.release.produce import Options, Produced, produce

BaseOption = Annotated[
    Path | None,
    typer.Option("--base", metavar="STOCK", help=say("merge the folder into it first", "先将工程合并到该基础固件包")),
]
KeepOption = Annotated[
    str,
    typer.Option("-o", "--output", metavar="OUT", help=say("where the merged package is kept", "合并后固件包的位置")),
]


@dataclass(frozen=True, slots=True)
class Source:
    """Where the bytes to burn come from.

    Args:
        path: of the package, which is there already, or will be once :meth:`keep` has been called.
        produced: what was merged; None for a package as it is.
    """

    path: Path
    produced: Produced | None = field(default=None, repr=False)

    def read(self, path: Path) -> bytes:
        """The bytes of a file: of the merged package, which need not be on disk yet, or of any other.

        Raises:
            NoSuchFile, StorageFailed: it cannot be read.
        """
        return self.produced.data if self.produced is not None and path == self.path else read_file(path)

    def keep(self) -> None:
        """Write the merged package, and say where; nothing for a package as it is.

        Raises:
            StorageFailed: it cannot be written.
        """
        if self.produced is None:
            return
        keeping.keep(self.produced, self.path)
        data = self.produced.data
        facts = {"path": self.path, "bytes": len(data), "sha256": sha256_hex(data)}
        note("merged: {path}, {bytes} bytes, sha256 {sha256}", "已合并：{path}，{bytes} 字节，sha256 {sha256}", **facts)


def source_of(file: Path, base: Path | None, to: str) -> Source:
    """What the user wants burnt; merges where a folder and a stock package are named, and writes nothing.

    Args:
        file: a package, or a project folder when there is a base.
        base: stock package.
        to: file or folder of ``-o``; empty is the current folder.

    Raises:
        BadOption: a folder without a base, a base without a folder, or the result would replace the base.
        BadProject, CompileFailed, TooBig, WrongModule, MissingArea, FormatError: as :func:`release.produce.produce`.
        NoSuchFile, StorageFailed: something cannot be read.
    """
    if base is None:
        if file.is_dir():
            why = Text(
                "{folder} is a folder; name the stock package with --base",
                "{folder} 是目录，请用 --base 指定基础固件包",
            )
            raise BadOption(name="FILE", reason=why, folder=str(file))
        if to:
            raise BadOption(
                name="-o", reason=Text("only a merge with --base makes a package", "仅与 --base 合并时可用")
            )
        return Source(file)
    if file.is_file():
        why = Text(
            "{file} is a package already; --base takes a project folder", "{file} 已是固件包，--base 需要工程目录"
        )
        raise BadOption(name="--base", reason=why, file=str(file))
    produced = produce(file, keeping.read_base(base), Options(made_at=keeping.now_in_names()), base.name)
    show_remarks(produced.prepared.remarks)
    path = output.choose_path(to or ".", produced.name)
    output.must_not_be(path, base)
    return Source(path, produced)
