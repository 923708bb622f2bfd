"""The project a test belongs to, as its files stand on the module.

Other than ``check`` and ``pack`` this takes a project as it is: a module does not ask for PROJECT_NAME either, and a
test of half a project is a fine thing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from moduline.image import build as image_build
from moduline.image import project as image_project
from moduline.image.project import SETTINGS_NAME, USER_FOLDER, Project
from moduline.image.tree import FileTree
from moduline.profiles import catalog
from moduline.profiles.convention import ConventionProfile
from moduline.profiles.module import BACKUP_FS, USER_FS
from moduline.release.folder import read_folder

DEFAULT_MODULE: Final = "ec600u"


@dataclass(frozen=True, slots=True)
class LoadedProject:
    """A project folder, read.

    Attributes:
        folder: where it lies.
        module: slug of the module it is for.
        project: its files and what is said about them.
        backup: what it wants backed up.
        convention: what firmware of its module expects.
    """

    folder: Path
    module: str
    project: Project
    backup: tuple[str, ...]
    convention: ConventionProfile

    @property
    def sources(self) -> dict[str, bytes]:
        """Content of every file by its path in ``/usr``."""
        return self.project.tree.files()

    def place_of(self, path: str) -> Path:
        """Where a file of ``/usr`` lies in the folder."""
        return self.folder / self.project.origins.get(path, path)


@dataclass(frozen=True, slots=True)
class Images:
    """What is programmed into a module before its first power-on; ``bytes`` of a whole area each."""

    by_role: Mapping[str, bytes] = field(repr=False)


def find_project(start: Path, top: Path | None = None) -> Path | None:
    """The project folder that ``start`` lies in; None when there is none up to ``top``."""
    for folder in (start, *start.parents):
        if any((folder / name).is_file() for name in (SETTINGS_NAME, f"{USER_FOLDER}/main.py", "main.py")):
            return folder
        if folder == top:
            break
    return None


def load_project(folder: Path, module: str = "") -> LoadedProject:
    """Read a project folder.

    Args:
        folder: the project.
        module: slug of the module; empty takes the one of moduline.toml, then ec600u.

    Raises:
        NoSuchFile: no such folder.
        BadRecipe: its moduline.toml is wrong.
        UnknownModule: no such module.
    """
    content = read_folder(folder)
    settings = content.settings
    profile = catalog.module(module or settings.module or DEFAULT_MODULE)
    convention = catalog.convention(settings.convention or profile.convention)
    project = image_project.select(content.files, content.skipped, convention)
    return LoadedProject(folder, profile.slug, project, settings.backup, convention)


def images_of(loaded: LoadedProject, module: str, replaced: Mapping[str, bytes] | None = None) -> Images:
    """The file systems of a module that holds the project.

    Args:
        loaded: the project.
        module: slug of the module; it may be another than the project's.
        replaced: other content for some files of ``/usr``.

    Raises:
        TooBig: the files do not fit.
    """
    profile = catalog.module(module)
    tree = FileTree.of({**loaded.sources, **(replaced or {})})
    backed_up, _ = image_project.backed_up(loaded.project, tree, loaded.backup)
    trees = image_build.compose(tree, backed_up, loaded.convention)
    places = [profile.partition(role) for role in (USER_FS, BACKUP_FS)]
    user, backup = (profile.fs.geometry(place.size_bytes) for place in places if place)
    return Images(image_build.build(trees.user, trees.backup, user, backup).by_role())
