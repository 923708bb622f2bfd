"""Script protection (the vendor tool's "encrypt"): which scripts become bytecode, and which stay with what reason.

It is obfuscation: names and strings stay readable in a ``.mpy``. ``main.py`` stays source, because the firmware starts
nothing else by itself. This room only decides; ``release.compile`` runs the compiler.

Source: device-api 2.3; seed S0; micropython-runtime 12.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from moduline.errors import Text
from moduline.image.remarks import ERROR, Remark, Skipped
from moduline.image.tree import FileTree, TreeEntry

SOURCE_ENDING: Final = ".py"
BYTECODE_ENDING: Final = ".mpy"
_ENTRY: Final = Text(
    "the entry file stays source; the firmware starts nothing else", "入口文件须保留源码，固件只会启动它"
)
_ALREADY: Final = Text("bytecode already", "已是字节码")
_NO_SCRIPT: Final = Text("not a Python script", "不是 Python 脚本")
_NOT_NAMED: Final = Text("not among the files named", "未在指定文件中")


@dataclass(frozen=True, slots=True)
class ProtectPlan:
    """What protection would do.

    Attributes:
        scripts: paths to compile, in order.
        kept: files that stay as they are, each with its reason.
        remarks: errors; a script whose bytecode would replace another file.
    """

    scripts: tuple[str, ...]
    kept: tuple[Skipped, ...]
    remarks: tuple[Remark, ...] = ()


def plan(tree: FileTree, entry_file: str, named: Collection[str] = ()) -> ProtectPlan:
    """Which files of ``/usr`` become bytecode.

    Args:
        tree: the files.
        entry_file: stays source.
        named: only these are meant, as ``a.py``, ``usr/a.py`` or ``/usr/a.py``; none means all.
    """
    scripts, kept = [], []
    wanted = {one.replace("\\", "/").removeprefix("/").removeprefix("usr/"): one for one in named}
    remarks = [_unknown(one) for path, one in wanted.items() if path not in tree.files()]
    for path in tree.files():
        reason = _why_kept(path, entry_file) or (_NOT_NAMED if wanted and path not in wanted else None)
        if reason:
            kept.append(Skipped(path, reason))
        elif compiled_path(path) in tree:
            what = Text("{target} stands beside it already", "同目录下已有 {target}")
            remedy = Text("remove one of the two", "请删除其中一个")
            remarks.append(Remark(ERROR, "mpy-clash", path, 0, what, remedy, {"target": compiled_path(path)}))
        else:
            scripts.append(path)
    return ProtectPlan(tuple(scripts), tuple(kept), tuple(remarks))


def apply(tree: FileTree, compiled: Mapping[str, bytes]) -> FileTree:
    """The tree with compiled scripts in the places of their sources.

    Args:
        tree: files of ``/usr``.
        compiled: bytecode by path of the source.
    """
    return FileTree(
        tuple(
            TreeEntry(compiled_path(entry.path), compiled[entry.path]) if entry.path in compiled else entry
            for entry in tree
        )
    )


def compiled_path(path: str) -> str:
    """``a/b.mpy`` for ``a/b.py``."""
    return path.removesuffix(SOURCE_ENDING) + BYTECODE_ENDING


def _unknown(name: str) -> Remark:
    reason = Text("nothing to compile has that name", "没有可编译的同名文件")
    return Remark(ERROR, "encrypt-name", name, 0, reason, Text("name a script of the project", "请指定工程中的脚本"))


def _why_kept(path: str, entry_file: str) -> Text | None:
    if path == entry_file:
        return _ENTRY
    if path.endswith(SOURCE_ENDING):
        return None
    return _ALREADY if path.endswith(BYTECODE_ENDING) else _NO_SCRIPT
