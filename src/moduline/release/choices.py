"""What a user may choose beyond the project: which image is renewed, the boundary between the two, the name.

Source: platform-unisoc 4; platform-asr 1.1 (names of packages); device-api 6.1, 6.5 (a list of checksums belongs to the
copies in the backup).
"""

from __future__ import annotations

from typing import Final

from moduline.errors import BadOption, Text
from moduline.image.project import Project
from moduline.image.remarks import NOTICE, Remark
from moduline.package import FirmwarePackage
from moduline.package.unisoc_split import split
from moduline.package.versions import own_system
from moduline.profiles.convention import BY_FIRMWARE, ConventionProfile
from moduline.profiles.module import BACKUP_FS, USER_FS
from moduline.release.decision import Decision

ONLY: Final = {"both": (USER_FS, BACKUP_FS), "usr": (USER_FS,), "bak": (BACKUP_FS,)}


def roles_of(
    only: str, backed_up: tuple[str, ...], decisions: list[Decision]
) -> tuple[tuple[str, ...], tuple[Remark, ...]]:
    """Which areas get a new image, and what to say about the other one.

    Args:
        only: a key of ``ONLY``.
        backed_up: files that are backed up.
        decisions: gets one more when it is not both.

    Raises:
        BadOption: another word.
    """
    if only not in ONLY:
        raise BadOption(name="--only", reason=Text("usr, bak or both", "可用 usr、bak 或 both"), only=only)
    if only == "both":
        return ONLY[only], ()
    reason = Text("as asked; the other area stays as it is in the base", "按指定；另一分区保持基础固件包原样")
    decisions.append(Decision("only", only, reason))
    if not backed_up:
        return ONLY[only], ()
    what = Text(
        "files are backed up, but only /{only} is renewed: the checksums speak of the copies of another build",
        "已启用备份，但仅更新 /{only}：校验值与其他版本的备份文件不一致",
    )
    remedy = Text("renew both, unless the files are the same", "除非文件相同，否则请同时更新两个分区")
    return ONLY[only], (Remark(NOTICE, "half-backup", f"/{only}", 0, what, remedy, {"only": only}),)


def split_base(base: FirmwarePackage, user_bytes: int, decisions: list[Decision]) -> FirmwarePackage:
    """The base with another boundary between user and backup area.

    Raises:
        Unsupported, MissingArea, BadOption: see ``package.unisoc_split.split``.
    """
    changed = split(base, user_bytes)
    sizes = " + ".join(f"0x{area.size:x}" for area in changed.areas if area.role in {USER_FS, BACKUP_FS})
    system = base.by_role("system")
    if system is not None and own_system(system) is not None:
        reason = Text("as asked; the virtual firmware drives it", "按指定；虚拟固件按此分区")
    else:
        reason = Text(
            "as asked; whether this firmware follows the package is not public: try it on one module first",
            "按指定；厂商固件是否遵循该设置未公开，请先在一个模组上验证",
        )
    decisions.append(Decision("split", sizes, reason))
    return changed


def title_of(
    project: Project, base: FirmwarePackage, convention: ConventionProfile, made_at: str, decisions: list[Decision]
) -> str:
    """How the production package is called, without an ending, as the convention has it.

    Args:
        project: for its name and version.
        base: for its file name.
        convention: says which of the two.
        made_at: such as ``20211130-1405``; empty leaves it out.
        decisions: gets one more where it is not named after the project.
    """
    if convention.naming != BY_FIRMWARE:
        return project.title
    stem = base.name.rpartition(".")[0] or base.name or base.product
    title = "_".join(part for part in (stem, made_at) if part)
    reason = Text(
        "tools of {profile}: the stock package and when it is merged", "{profile} 的工具：基础固件包名与合并时间"
    )
    decisions.append(Decision("name", title, reason, {"profile": convention.slug}))
    return title
