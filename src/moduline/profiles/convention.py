"""A vendor convention: what the tools and firmware of one era write and expect.

Source: each fact's own, in ``conventions/*.toml``.
"""

from __future__ import annotations

from dataclasses import dataclass

from moduline.profiles.schema import Table

CHECKSUM_KINDS = ("sha256", "crc32")
BACKUP_OFF_KINDS = ("disabled", "empty")
BY_PROJECT = "project"
BY_FIRMWARE = "firmware-date"
NAMING_KINDS = (BY_PROJECT, BY_FIRMWARE)


@dataclass(frozen=True, slots=True)
class StockFile:
    """A file that stands in every user file system before anything of the user's."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class ConventionProfile:
    """What one era of vendor tools and firmware agrees on.

    Attributes:
        slug: such as ``crc32-2021``.
        checksum: key of ``checksum.json``: ``sha256`` or ``crc32``.
        backup_off: what the backup image holds when nothing is backed up: ``disabled`` is ``backup_restore.json`` with
            enable 0 and nothing else; ``empty`` is an empty file system.
        entry_file: the file that starts by itself and stays readable.
        name_constant: module-level constant in it that names the project.
        version_constant: the one that gives the version.
        needs_constants: whether a project without these two is refused.
        naming: how the package is called: ``project`` is NAME_VERSION of the constants; ``firmware-date`` is the name
            of the stock package and when it was merged.
        stock_files: files that stand first in the user file system.
    """

    slug: str
    checksum: str
    backup_off: str
    entry_file: str
    name_constant: str
    version_constant: str
    needs_constants: bool
    naming: str
    stock_files: tuple[StockFile, ...]


def read_convention(top: Table) -> ConventionProfile:
    """The profile in a convention's TOML file.

    Raises:
        BadRecipe: a key is missing, wrong or unknown, or a fact has no source.
    """
    slug = top.text("slug")
    checksum, backup, project = (top.table(name).sourced() for name in ("checksum", "backup", "project"))
    files = tuple(one.sourced() for one in top.tables("stock_files"))
    profile = ConventionProfile(
        slug=slug,
        checksum=checksum.choice("kind", CHECKSUM_KINDS),
        backup_off=backup.choice("when_off", BACKUP_OFF_KINDS),
        entry_file=project.text("entry_file"),
        name_constant=project.text("name_constant"),
        version_constant=project.text("version_constant"),
        needs_constants=project.flag("needs_constants"),
        naming=project.choice("naming", NAMING_KINDS),
        stock_files=tuple(StockFile(one.text("name"), one.text("text")) for one in files),
    )
    for table in (checksum, backup, project, *files, top):
        table.end()
    return profile
