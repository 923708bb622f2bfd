"""What the scripts of a project import, and whether the module or the project has it; nothing is run.

The names of on-board modules are read from the tables of ``onboard/boot/finder.py`` and the files beside it: the same
that the virtual module looks into. So a name is one of: there; there on real modules but not modelled here; unknown.

An import inside ``try`` with an ``except ImportError`` may fail and is left alone.

Source: device-api 1 (``sys.path``), 2.3 (``from usr import name``), 5 to 13 (modules).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from moduline.errors import Text
from moduline.image import entry_file
from moduline.image.project import USER_FOLDER, Project
from moduline.image.remarks import NOTICE, Remark
from moduline.release import shipped

_TABLES: Final = ("_SHIMS", "_ALIASES", "_NATIVE", "_FROZEN", "_UNMODELLED")
_FORGIVING: Final = frozenset({"ImportError", "Exception", "BaseException", "OSError"})


@dataclass(frozen=True, slots=True)
class OnboardModules:
    """Names a script can import without bringing them along.

    Attributes:
        modelled: there on the virtual module.
        unmodelled: there on real modules only.
    """

    modelled: frozenset[str]
    unmodelled: frozenset[str]


@dataclass(frozen=True, slots=True)
class ImportedName:
    """One import statement's target.

    Attributes:
        name: dotted, such as ``usr.counter`` or ``utime``.
        path: file in the project folder.
        line: from 1 on.
        may_fail: the script is prepared for its absence.
    """

    name: str
    path: str
    line: int
    may_fail: bool


@cache
def onboard_modules() -> OnboardModules:
    """The on-board modules of this installation.

    Raises:
        StorageFailed: the on-board sources are not installed.
    """
    folder = shipped.folder("onboard")
    tables = _tables((folder / "boot" / "finder.py").read_text(encoding="utf-8"))
    files = {path.stem for path in (folder / "shims").glob("*.py")}
    shims: Mapping[str, str] = tables["_SHIMS"]
    there = {name for name, file in shims.items() if file in files}
    absent = (set(shims) - there) | set(tables["_UNMODELLED"])
    for alias, name in tables["_ALIASES"].items():
        (there if name in there else absent).add(alias)
    return OnboardModules(frozenset(there | set(tables["_NATIVE"]) | set(tables["_FROZEN"])), frozenset(absent))


def imported_names(project: Project) -> tuple[ImportedName, ...]:
    """Every import of every script that can be parsed, in order."""
    found: list[ImportedName] = []
    for path, data in project.tree.files().items():
        if path.endswith(".py"):
            tree = entry_file.parse(path, data).tree
            if tree is not None:
                found += _imports(tree, project.origins.get(path, path), path)
    return tuple(found)


def import_remarks(project: Project) -> tuple[Remark, ...]:
    """A notice for each import that nothing fulfils."""
    onboard = onboard_modules()
    files = frozenset(project.tree.files())
    has_own_path = any(b"sys.path" in data or b"chdir" in data for data in project.tree.files().values())
    remarks = []
    for one in imported_names(project):
        remark = None if one.may_fail else _judge(one, onboard, files, has_own_path=has_own_path)
        if remark is not None:
            remarks.append(remark)
    return tuple(remarks)


def _judge(one: ImportedName, onboard: OnboardModules, files: frozenset[str], *, has_own_path: bool) -> Remark | None:
    top, _, below = one.name.partition(".")
    if top in onboard.modelled:
        return None
    if top in onboard.unmodelled:
        remedy = Text("try that part on a real module", "请在真实模组上验证该部分")
        en, zh = "'{name}' is on real modules, not on the virtual one yet", "真实模组有“{name}”，虚拟模组尚未模拟"
        return _remark("import-unmodelled", one, en, zh, remedy)
    if top == USER_FOLDER:
        if not below or _is_in(below, files):
            return None
        remedy = Text("add the file, or correct the name", "请添加该文件或更正名称")
        en, zh = "'{name}' is not in the project", "工程中没有“{name}”"
        return _remark("import-missing", one, en, zh, remedy)
    if _is_in(one.name, files):
        if has_own_path:
            return None
        remedy = Text("write: from usr import {top}", "请写：from usr import {top}")
        en, zh = "'{name}' is looked for in '/', the file is in /usr", "“{name}”会在“/”中查找，而文件在 /usr"
        return _remark("import-outside-usr", one, en, zh, remedy)
    remedy = Text("add it to the project, or import what the module has", "请将其加入工程，或改用模组自带模块")
    en, zh = "neither the module nor the project has '{name}'", "模组与工程中均没有“{name}”"
    return _remark("import-unknown", one, en, zh, remedy)


def _is_in(dotted: str, files: frozenset[str]) -> bool:
    """Whether a module, a package or a folder of that name is among the files of ``/usr``."""
    path = dotted.replace(".", "/")
    return any(name in {f"{path}.py", f"{path}.mpy"} or name.startswith(f"{path}/") for name in files)


def _imports(tree: ast.Module, origin: str, path: str) -> Iterator[ImportedName]:
    for node, may_fail in _walk(tree, may_fail=False):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield ImportedName(alias.name, origin, node.lineno, may_fail)
        elif isinstance(node, ast.ImportFrom):
            yield from _from_import(node, origin, path, may_fail=may_fail)


def _from_import(node: ast.ImportFrom, origin: str, path: str, *, may_fail: bool) -> Iterator[ImportedName]:
    source = node.module or ""
    if node.level:
        above = [USER_FOLDER, *path.split("/")[:-1]]
        kept = above[: len(above) - (node.level - 1)]
        source = ".".join([*kept, *([source] if source else [])])
    if source == USER_FOLDER:
        for alias in node.names:
            if alias.name != "*":
                yield ImportedName(f"{USER_FOLDER}.{alias.name}", origin, node.lineno, may_fail)
    elif source:
        yield ImportedName(source, origin, node.lineno, may_fail)


def _walk(node: ast.AST, *, may_fail: bool) -> Iterator[tuple[ast.AST, bool]]:
    """Every node below, and whether it stands in a ``try`` that forgives a missing module."""
    forgives = may_fail or (isinstance(node, ast.Try) and any(_forgives(one) for one in node.handlers))
    for name, value in ast.iter_fields(node):
        inner = forgives if name == "body" else may_fail
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield child, inner
                yield from _walk(child, may_fail=inner)


def _forgives(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type
    if kinds is None:
        return True
    named = kinds.elts if isinstance(kinds, ast.Tuple) else [kinds]
    return any(isinstance(one, ast.Name) and one.id in _FORGIVING for one in named)


def _tables(source: str) -> dict[str, Any]:
    """The literal tables at the head of the finder."""
    found: dict[str, Any] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in _TABLES:
            value = node.value
            if isinstance(value, ast.Call):  # ("a b c" ...).split()
                assert isinstance(value.func, ast.Attribute)
                found[node.targets[0].id] = ast.literal_eval(value.func.value).split()
            else:
                found[node.targets[0].id] = ast.literal_eval(value)
    return found


def _remark(slug: str, one: ImportedName, en: str, zh: str, remedy: Text) -> Remark:
    facts = {"name": one.name, "top": one.name.partition(".")[0]}
    return Remark(NOTICE, slug, one.path, one.line, Text(en, zh), remedy, facts)
