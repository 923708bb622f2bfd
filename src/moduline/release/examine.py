"""A look at a project without a base: rules, language of the module, and whether the files would fit.

Source: brief, surface (``moduline check``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from moduline.errors import TooBig
from moduline.image import build as image_build
from moduline.image import project as image_project
from moduline.image.project import Project
from moduline.image.remarks import Remark, must_be_sound
from moduline.profiles import catalog
from moduline.profiles.module import BACKUP_FS, USER_FS, ModuleProfile
from moduline.release.folder import read_folder
from moduline.release.produce import language_remarks, lint

DEFAULT_CONVENTION = "crc32-2021"


@dataclass(frozen=True, slots=True)
class Examined:
    """What a look found.

    Attributes:
        project: files, name, version, what is left out.
        module: profile it was judged by; None when none is named.
        remarks: errors and notices.
        free_bytes: room left in the module's user file system; None without a module or with errors.
        too_big: the files do not fit the module; None when they do or nothing is known.
    """

    project: Project
    module: ModuleProfile | None
    remarks: tuple[Remark, ...]
    free_bytes: int | None = None
    too_big: TooBig | None = None

    def must_be_sound(self) -> None:
        """Stop when the project could not be merged.

        Raises:
            BadProject: a rule is broken.
            TooBig: the files do not fit.
        """
        must_be_sound(self.remarks)
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
    remarks = (*project.remarks, *backup_remarks)
    if profile is None:
        return Examined(project, None, remarks)
    remarks += language_remarks(project, profile, lint(project, profile))
    places = [profile.partition(role) for role in (USER_FS, BACKUP_FS)]
    if None in places:
        return Examined(project, profile, remarks)
    user, backup = (profile.fs.geometry(place.size_bytes) for place in places if place)
    try:
        trees = image_build.compose(project.tree, backed_up, convention)
        images = image_build.build(trees.user, trees.backup, user, backup)
    except TooBig as wrong:
        return Examined(project, profile, remarks, too_big=wrong)
    return Examined(project, profile, remarks, images.user_free_bytes)
