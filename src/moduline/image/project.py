"""Which files of a project folder are merged, in which order, and what is wrong with them.

Two shapes of a folder::

    DIR/main.py  DIR/user_file.py                      all of it is /usr
    DIR/moduline.toml  DIR/usr/main.py  DIR/tests/…    DIR/usr is /usr  (made by ``moduline new``)

Order: ``main.py`` first, the others by name without regard to case, as the vendor's tool lists them. What is left out
is named with its reason; ``include`` in ``moduline.toml`` takes it in after all, ``exclude`` leaves out more.

Source: device-api 2.3, T01, T02, T18 (order); seed S0; brief, surface (``moduline new``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final

from moduline.errors import Text
from moduline.formats.checksum import LIST_NAME, SWITCH_NAME
from moduline.image import entry_file
from moduline.image.remarks import ERROR, NOTICE, Remark, Skipped, errors_of
from moduline.image.tree import FileTree
from moduline.profiles.convention import BY_FIRMWARE, ConventionProfile
from moduline.profiles.schema import Table

SETTINGS_NAME: Final = "moduline.toml"
USER_FOLDER: Final = "usr"
NAME_BYTES_MAX: Final = 255
ALL: Final = "all"

_FOLDERS: Final[Mapping[str, Text]] = {
    "__pycache__": Text("bytecode of desktop Python", "桌面 Python 的字节码"),
    "node_modules": Text("a tool's own folder", "工具自用目录"),
    "venv": Text("a Python environment", "Python 虚拟环境"),
}
_FILES: Final[Mapping[str, Text]] = {
    SETTINGS_NAME: Text("settings of this project", "工程配置"),
    LIST_NAME: Text("made anew by the merge", "合并时重新生成"),
    SWITCH_NAME: Text("made anew by the merge", "合并时重新生成"),
    "Thumbs.db": Text("left by the operating system", "操作系统生成的文件"),
    "desktop.ini": Text("left by the operating system", "操作系统生成的文件"),
    "conftest.py": Text("a test; tests run on the host", "测试文件，仅在主机上运行"),
}
_ENDINGS: Final[Mapping[str, Text]] = {
    ".pyc": Text("bytecode of desktop Python", "桌面 Python 的字节码"),
    ".pyo": Text("bytecode of desktop Python", "桌面 Python 的字节码"),
    ".pac": Text("a firmware package", "固件包"),
    ".binpkg": Text("a firmware package", "固件包"),
    ".twins.zip": Text("made by an earlier build", "先前构建的产物"),
}
_HIDDEN: Final = Text("hidden; its name begins with a dot", "隐藏文件（名称以点开头）")
_TESTS: Final = Text("a test; tests run on the host", "测试文件，仅在主机上运行")
_OUTSIDE: Final = Text("outside usr/", "不在 usr/ 目录中")
_EXCLUDED: Final = Text("excluded by moduline.toml", "被 moduline.toml 排除")
_EARLIER: Final = Text("made by an earlier build", "先前构建的产物")
_BUILT_ENDINGS: Final = (".zip", ".bin", ".pac")
_BUILT_AT: Final = re.compile(r"_\d{8}-\d{4}\.(zip|bin)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    """What ``moduline.toml`` says; empty where it says nothing.

    Attributes:
        module: slug of the module.
        convention: slug of the vendor convention.
        encrypt: compile every script but main.py.
        encrypt_files: compile these only.
        backup: paths to back up; "all" for every file.
        include: patterns of paths to merge although a rule leaves them out.
        exclude: patterns of paths to leave out.
    """

    module: str = ""
    convention: str = ""
    encrypt: bool = False
    backup: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    encrypt_files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Project:
    """A project as it would be merged.

    Attributes:
        name: value of PROJECT_NAME; empty when it is not right, which is among the remarks where it is needed.
        version: value of PROJECT_VERSION; as above.
        tree: the files of ``/usr``, in order.
        origins: path in the project folder by path in ``tree``.
        skipped: what is not merged.
        remarks: errors and notices, with file and line.
    """

    name: str
    version: str
    tree: FileTree
    origins: Mapping[str, str]
    skipped: tuple[Skipped, ...] = ()
    remarks: tuple[Remark, ...] = field(default=())

    @property
    def title(self) -> str:
        """Name and version as one word; empty when ``main.py`` does not say both."""
        return f"{self.name}_{self.version}" if self.name and self.version else ""


def read_settings(data: bytes, path: str = SETTINGS_NAME) -> ProjectSettings:
    """The settings in a ``moduline.toml``.

    Raises:
        BadRecipe: not TOML, or a key is wrong or unknown.
    """
    top = Table.parse(data, path)
    settings = ProjectSettings(
        module=top.text("module", ""),
        convention=top.text("profile", ""),
        encrypt=top.flag("encrypt", default=False),
        backup=top.texts("backup", ()),
        include=top.texts("include", ()),
        exclude=top.texts("exclude", ()),
        encrypt_files=top.texts("encrypt_files", ()),
    )
    top.end()
    return settings


def why_ignored(path: str, settings: ProjectSettings, *, is_folder: bool = False) -> Text | None:
    """Why a path of a project folder is not merged; None when it is.

    Args:
        path: relative to the project folder, with ``/``.
        settings: its include and exclude patterns.
        is_folder: whether it is a folder; an ignored one need not be entered.
    """
    if _matches(path, settings.include):
        return None
    if _matches(path, settings.exclude):
        return _EXCLUDED
    name = path.rpartition("/")[2]
    if is_folder and _leads_to(path, settings.include):
        return None
    if name.startswith("."):
        return _HIDDEN
    if is_folder:
        return _TESTS if path in {"tests", "test"} else _FOLDERS.get(name)
    if name in _FILES:
        return _FILES[name]
    if name.startswith("test_") and name.endswith(".py") and not path.startswith(f"{USER_FOLDER}/"):
        return _TESTS
    return next((reason for ending, reason in _ENDINGS.items() if name.lower().endswith(ending)), None)


def select(files: Mapping[str, bytes], skipped: Iterable[Skipped], convention: ConventionProfile) -> Project:
    """The project in a folder.

    Args:
        files: content by path relative to the folder, of what ``why_ignored`` does not leave out.
        skipped: what was left out while reading.
        convention: name of the entry file and of the two constants.
    """
    left = list(skipped)
    entry = convention.entry_file
    inner = f"{USER_FOLDER}/"
    in_usr = entry not in files and (inner + entry in files or any(path.startswith(inner) for path in files))
    root = inner if in_usr else ""
    left += [Skipped(path, _OUTSIDE) for path in sorted(files) if not path.startswith(root)]
    chosen = {path.removeprefix(root): path for path in files if path.startswith(root)}
    remarks = list(_judge_shape(files, entry))
    name = version = ""
    for path in [entry, *sorted(set(chosen) - {entry}, key=_order)]:
        if path not in chosen:
            remarks.append(_no_entry(root + entry))
        elif path.endswith(".py"):
            script = entry_file.parse(chosen[path], files[chosen[path]])
            remarks += script.remarks
            if path == entry:
                found = [
                    entry_file.constant(script, c) for c in (convention.name_constant, convention.version_constant)
                ]
                if convention.needs_constants or not any(errors_of(one.remarks) for one in found):
                    name, version = (one.value for one in found)
                    remarks += [remark for one in found for remark in one.remarks]
    is_dated = convention.naming == BY_FIRMWARE
    for path in [path for path in chosen if _is_earlier_build(path, name, is_dated=is_dated)]:
        left.append(Skipped(chosen.pop(path), _EARLIER))
    remarks += _judge_names(chosen)
    broken = {one.path for one in remarks if one.slug == "file-name"}
    ordered = sorted((path for path in chosen if chosen[path] not in broken), key=lambda p: (p != entry, *_order(p)))
    tree = FileTree.of({path: files[chosen[path]] for path in ordered})
    return Project(name, version, tree, chosen, tuple(sorted(left, key=lambda s: s.path)), tuple(remarks))


def backed_up(project: Project, tree: FileTree, wanted: Iterable[str]) -> tuple[tuple[str, ...], tuple[Remark, ...]]:
    """Which files of ``tree`` are backed up, in the order of the tree, and remarks on names that fit nothing.

    Args:
        project: for the names files had in the folder.
        tree: the files as they will stand on the module; a script may be compiled by now.
        wanted: paths in the folder, on the module (with or without ``/usr/``), or "all".
    """
    names: dict[str, str] = {}
    for path in tree.files():
        stem = path.removesuffix(".mpy")
        source = path if path in project.origins else f"{stem}.py"
        for known in (
            path,
            f"/{USER_FOLDER}/{path}",
            f"{USER_FOLDER}/{path}",
            source,
            project.origins.get(source, path),
        ):
            names.setdefault(known, path)
    chosen: set[str] = set()
    remarks = []
    for one in wanted:
        plain = one.replace("\\", "/").removeprefix("./")
        if plain == ALL:
            chosen.update(tree.files())
        elif plain in names:
            chosen.add(names[plain])
        else:
            folder = plain.rstrip("/") + "/"
            inside = {path for path in tree.files() if path.startswith(folder)}
            chosen |= inside
            if not inside:
                remarks.append(_no_backup(one))
    return tuple(path for path in tree.files() if path in chosen), tuple(remarks)


def _order(path: str) -> tuple[tuple[str, ...], str]:
    return tuple(part.casefold() for part in path.split("/")), path


def _matches(path: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(path, pattern) or path.startswith(pattern.rstrip("/") + "/") for pattern in patterns)


def _leads_to(folder: str, patterns: Iterable[str]) -> bool:
    return any(pattern.startswith(folder + "/") for pattern in patterns)


def _is_earlier_build(path: str, name: str, *, is_dated: bool) -> bool:
    if "/" in path:
        return False
    is_named = bool(name) and path.startswith(f"{name}_") and path.lower().endswith(_BUILT_ENDINGS)
    return is_named or (is_dated and _BUILT_AT.search(path) is not None)


def _judge_shape(files: Mapping[str, bytes], entry: str) -> Iterator[Remark]:
    inner = f"{USER_FOLDER}/{entry}"
    if entry in files and inner in files:
        remedy = Text("keep one of the two", "请只保留其中一个")
        en, zh = (
            "{entry} stands beside usr/, so this becomes /usr/{inner}",
            "{entry} 与 usr/ 并列，因此该文件将位于 /usr/{inner}",
        )
        yield _remark(NOTICE, "two-mains", inner, en, zh, remedy, entry=entry, inner=inner)


def _judge_names(chosen: Mapping[str, str]) -> Iterator[Remark]:
    folded: dict[str, str] = {}
    short = Text("choose a shorter or plainer name", "请改用更短或更简单的名称")
    for path in sorted(chosen, key=_order):
        origin = chosen[path]
        for part in path.split("/"):
            try:
                size = len(part.encode("utf-8"))
            except UnicodeEncodeError:
                yield _remark(ERROR, "file-name", origin, "its name is not Unicode", "文件名不是有效的 Unicode", short)
                break
            if size > NAME_BYTES_MAX:
                en, zh = "a name of {size} bytes; the file system takes {most}", "名称为 {size} 字节，最多 {most} 字节"
                yield _remark(ERROR, "file-name", origin, en, zh, short, size=size, most=NAME_BYTES_MAX)
                break
        else:
            if not path.isascii():
                en, zh = "its name is not ASCII; the REPL cannot type it", "文件名含非 ASCII 字符，REPL 无法输入"
                yield _remark(NOTICE, "name-not-ascii", origin, en, zh, short)
        other = folded.setdefault(path.casefold(), origin)
        if other != origin:
            en, zh = (
                "differs from {other} in case only; checksums take both for one",
                "与 {other} 仅大小写不同，校验时视为同一文件",
            )
            yield _remark(NOTICE, "name-case", origin, en, zh, short, other=other)
        if path.endswith(".mpy") and path.removesuffix(".mpy") + ".py" in chosen:
            remedy = Text("remove one of the two", "请删除其中一个")
            en, zh = "the .py of the same name is imported instead", "导入时会优先使用同名 .py 文件"
            yield _remark(NOTICE, "mpy-hidden", origin, en, zh, remedy)


def _no_entry(path: str) -> Remark:
    remedy = Text("a production package starts with main.py; add it", "量产固件包以 main.py 为入口，请添加")
    return Remark(ERROR, "no-main", path, 1, Text("the file is missing", "缺少该文件"), remedy)


def _no_backup(wanted: str) -> Remark:
    remedy = Text("name a file of the project, or all", "请指定工程中的文件，或使用 all")
    reason = Text("nothing to back up has that name", "没有可备份的同名文件")
    return Remark(ERROR, "backup-name", wanted, 0, reason, remedy)


def _remark(severity: str, slug: str, path: str, en: str, zh: str, remedy: Text, **facts: Any) -> Remark:
    return Remark(severity, slug, path, 0, Text(en, zh), remedy, facts)
