"""A look at a project without a base: rules, language of the module, and whether the files would fit.

Source: brief, surface (``moduline check``).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from moduline.errors import Text, TooBig
from moduline.image import build as image_build
from moduline.image import entry_file
from moduline.image import project as image_project
from moduline.image.project import Project, ProjectSettings
from moduline.image.remarks import ERROR, NOTICE, Remark, must_be_sound
from moduline.profiles import catalog
from moduline.profiles.convention import ConventionProfile
from moduline.profiles.module import BACKUP_FS, USER_FS, ModuleProfile
from moduline.release.folder import read_folder
from moduline.release.imports import import_remarks
from moduline.release.produce import language_remarks, lint

DEFAULT_CONVENTION = "crc32-2021"
MOUNTS = ("/usr", "/bak")
HEAP_SHARE = 4  # a script as text, its copies and what is compiled share the heap


@dataclass(frozen=True, slots=True)
class AreaUse:
    """How full a file system would be: bytes of the area, and those left free."""

    mount: str
    total_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class Examined:
    """What a look found.

    Attributes:
        project: files, name, version, what is left out.
        convention: what its firmware expects.
        module: profile it was judged by; None when none is named.
        remarks: errors and notices.
        free_bytes: room left in the module's user file system; None without a module or with errors.
        too_big: the files do not fit the module; None when they do or nothing is known.
        settings: of its moduline.toml.
        areas: how full the module's file systems would be, before encryption; empty where nothing is known.
    """

    project: Project
    convention: ConventionProfile
    module: ModuleProfile | None
    remarks: tuple[Remark, ...]
    free_bytes: int | None = None
    too_big: TooBig | None = None
    settings: ProjectSettings = field(default_factory=ProjectSettings)
    areas: tuple[AreaUse, ...] = ()

    def must_be_sound(self, *, is_strict: bool = False) -> None:
        """Stop when the project could not be merged.

        Args:
            is_strict: notices count as errors.

        Raises:
            BadProject: a rule is broken.
            TooBig: the files do not fit.
        """
        must_be_sound(replace(one, severity=ERROR) for one in self.remarks if is_strict or one.severity == ERROR)
        if self.too_big:
            raise self.too_big


def examine(folder: Path, module: str = "") -> Examined:
    """The state of a project folder.

    Args:
        folder: the project.
        module: slug; empty takes the one of moduline.toml.

    Raises:
        UnknownModule: no such module.
        NoSuchFile: no such folder.
        BadRecipe: its moduline.toml is wrong.
    """
    content = read_folder(folder)
    settings = content.settings
    wanted = module or settings.module
    profile = catalog.module(wanted) if wanted else None
    convention = catalog.convention(settings.convention or (profile.convention if profile else DEFAULT_CONVENTION))
    project = image_project.select(content.files, content.skipped, convention)
    backed_up, backup_remarks = image_project.backed_up(project, project.tree, settings.backup)
    remarks = (*project.remarks, *backup_remarks, *import_remarks(project), *name_remarks(project))
    found = Examined(project, convention, profile, remarks, settings=settings)
    if profile is None:
        return found
    remarks += (*language_remarks(project, profile, lint(project, profile)), *_heap_remarks(project, profile))
    found = replace(found, remarks=remarks)
    places = [profile.partition(role) for role in (USER_FS, BACKUP_FS)]
    if None in places:
        return found
    user, backup = (profile.fs.geometry(place.size_bytes) for place in places if place)
    try:
        trees = image_build.compose(project.tree, backed_up, convention)
        images = image_build.build(trees.user, trees.backup, user, backup)
    except TooBig as wrong:
        return replace(found, too_big=wrong)
    free = (images.user_free_bytes, images.backup_free_bytes)
    areas = tuple(AreaUse(*one) for one in zip(MOUNTS, (p.size_bytes for p in places if p), free, strict=True))
    return replace(found, free_bytes=images.user_free_bytes, areas=areas)


def name_remarks(project: Project) -> Iterator[Remark]:
    """Names in scripts that the friendly prompt cannot take: it drops every byte outside 32 to 126."""
    remedy = Text("use ASCII letters in names; texts may hold anything", "名称请用 ASCII 字母；字符串内容不限")
    reason = Text("'{name}' cannot be typed at the module's prompt", "“{name}”无法在模组提示符下输入")
    for path, data in project.tree.files().items():
        tree = entry_file.parse(path, data).tree if path.endswith(".py") else None
        seen: set[str] = set()
        for node in ast.walk(tree) if tree is not None else ():
            name = getattr(node, "id", None) or getattr(node, "attr", None) or getattr(node, "name", None)
            if isinstance(name, str) and not name.isascii() and name not in seen:
                seen.add(name)
                line = getattr(node, "lineno", 0)
                yield Remark(
                    NOTICE, "name-not-typed", project.origins.get(path, path), line, reason, remedy, {"name": name}
                )


def _heap_remarks(project: Project, profile: ModuleProfile) -> Iterator[Remark]:
    """Scripts that are too long to be compiled on the module."""
    heap = profile.runtime.gc_heap_bytes
    remedy = Text("split it, or let the package carry it compiled (encrypt)", "请拆分脚本，或以编译形式打包（encrypt）")
    reason = Text(
        "{size} bytes of source; the module compiles it in a heap of {heap}",
        "源码 {size} 字节，模组须在 {heap} 字节的堆中编译",
    )
    for path, data in project.tree.files().items():
        if path.endswith(".py") and len(data) > heap // HEAP_SHARE:
            facts = {"size": len(data), "heap": heap}
            yield Remark(NOTICE, "script-long", project.origins.get(path, path), 0, reason, remedy, facts)
