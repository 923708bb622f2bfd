"""What an artifact must be before it is kept, and when it may go.

An artifact is one or more files that bring one component to a target version. *Whole* fits every device; *delta* has
one source version and is offered to nobody else. Names of files are kept for people and never used as paths.

Source: ota-semantics 2; seed 003 step 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from moduline.cloud.artifacts.digests import FileDigests
from moduline.cloud.problem import Problem
from moduline.errors import Text

SUFFIXES: Final = (
    ".bin",
    ".zip",
    ".rar",
    ".pack",
    ".mini_1",
    ".mini_2",
    ".py",
    ".tar",
    ".tar.gz",
    ".s19",
    ".bin_1",
    ".bin_2",
)
"""The vendor's list; an operator may add to it in the settings."""
BUNDLES: Final = (".swu", ".raucb")
"""What devices that poll install: images of SWUpdate and bundles of RAUC."""
MOST_FILES: Final = 5
MOST_FILE_BYTES: Final = 100 * 1024 * 1024
MOST_NAME: Final = 100
MOST_REMARK: Final = 200
MOST_VERSION_BYTES: Final = 64
MOST_FILE_NAME: Final = 255
UNUSED_GRACE_S: Final = 24 * 3600.0
"""A file that no artifact uses is removed after so long."""
_VERSION: Final = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)


class ComponentType(IntEnum):
    """What is upgraded inside a device; the numbers are the wire's."""

    MODULE = 0
    MCU = 1


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """One file of an artifact.

    Args:
        name: as its owner calls it.
        digests: size and digests.
    """

    name: str
    digests: FileDigests


@dataclass(frozen=True, slots=True)
class Artifact:
    """An uploaded release of one component.

    Args:
        name: unique per main account; not changed after saving.
        type: what it is for.
        component: identifier it is meant for; "" fits any of its type.
        is_delta: whether it has one source version.
        source: delta: the version it starts from; whole: "".
        target: the version the device must report afterwards.
        files: 1 to 5, in order.
        remark: for people.
    """

    name: str
    type: ComponentType
    is_delta: bool
    source: str
    target: str
    files: tuple[UploadedFile, ...]
    remark: str = ""
    component: str = ""

    @property
    def size_bytes(self) -> int:
        """Sum over the files."""
        return sum(one.digests.size_bytes for one in self.files)


def suffix_of(name: str, allowed: Iterable[str] = SUFFIXES) -> str | None:
    """The longest allowed suffix of a file name, whatever its case; None if it has none, or nothing before it."""
    lower = name.lower()
    for suffix in sorted((one.lower() for one in allowed), key=len, reverse=True):
        if lower.endswith(suffix) and len(lower) > len(suffix):
            return suffix
    return None


def version_problem(field: str, version: str) -> Problem | None:
    """Why a text is no version of a component; None if it is one."""
    if not version:
        return Problem(field, Text("a version is needed", "必须填写版本号"))
    if not _VERSION.fullmatch(version):
        text = Text("only letters, digits, '_', '-' and '.'", "只能包含字母、数字、“_”、“-”和“.”")
        return Problem(field, text)
    if len(version) > MOST_VERSION_BYTES:
        text = Text("at most {most} characters; devices refuse longer", "最长 {most} 个字符，更长会被设备拒绝")
        return Problem(field, text, {"most": MOST_VERSION_BYTES})
    return None


def name_problem(field: str, name: str) -> Problem | None:
    """Why a text is no name of an artifact or a plan; None if it is one."""
    if not name.strip() or name != name.strip():
        return Problem(field, Text("needed, without blanks around it", "必填，且首尾不能有空格"))
    if len(name) > MOST_NAME:
        return Problem(field, Text("at most {most} characters", "最长 {most} 个字符"), {"most": MOST_NAME})
    if not name.isprintable():
        return Problem(field, Text("a control character is in it", "包含控制字符"))
    return None


def check_file(
    at: int, file: UploadedFile, *, allowed: Iterable[str] = SUFFIXES, most_bytes: int = MOST_FILE_BYTES
) -> tuple[Problem, ...]:
    """What one file lacks, ``at`` its place counted from 0."""
    field, found = f"files[{at}]", []
    if not file.name or len(file.name) > MOST_FILE_NAME or not file.name.isprintable():
        text = Text("a file name of 1 to {most} printable characters is needed", "文件名须为 1 至 {most} 个可见字符")
        found.append(Problem(f"{field}.name", text, {"most": MOST_FILE_NAME}))
    elif set(file.name) & set("/\\") or file.name.startswith("."):
        text = Text("'{name}' is a path or a hidden file", "“{name}”是路径或隐藏文件")
        found.append(Problem(f"{field}.name", text, {"name": file.name}))
    elif suffix_of(file.name, allowed) is None:
        text = Text("'{name}' has none of the suffixes {known}", "“{name}”的扩展名不在允许范围：{known}")
        found.append(Problem(f"{field}.name", text, {"name": file.name, "known": " ".join(allowed)}))
    if file.digests.size_bytes == 0:
        found.append(Problem(f"{field}.size", Text("the file is empty", "文件为空")))
    elif file.digests.size_bytes > most_bytes:
        text = Text("{size} bytes; at most {most}", "{size} 字节，超过上限 {most}")
        found.append(Problem(f"{field}.size", text, {"size": file.digests.size_bytes, "most": most_bytes}))
    return tuple(found)


def check_artifact(
    artifact: Artifact,
    *,
    allowed: Iterable[str] = SUFFIXES,
    most_bytes: int = MOST_FILE_BYTES,
    others: Sequence[Artifact] = (),
) -> tuple[Problem, ...]:
    """All that speaks against an artifact; warnings are among it.

    Args:
        artifact: what is to be saved.
        allowed: suffixes of this installation.
        most_bytes: limit of one file of this installation.
        others: artifacts that the main account has already.

    Returns:
        Problems in the order of the form; empty when there are none.
    """
    allowed = tuple(allowed)
    found = [name_problem("name", artifact.name), *_version_problems(artifact)]
    if any(other.name == artifact.name for other in others):
        found.append(Problem("name", Text("there is an artifact of this name already", "已存在同名版本包")))
    if not 1 <= len(artifact.files) <= MOST_FILES:
        found.append(Problem("files", Text("1 to {most} files", "须为 1 至 {most} 个文件"), {"most": MOST_FILES}))
    elif len(artifact.files) > 1 and artifact.type is ComponentType.MCU:
        text = Text("an MCU artifact has one file: devices take a list only for the module", "MCU 版本包只能有一个文件")
        found.append(Problem("files", text))
    for at, file in enumerate(artifact.files):
        found += check_file(at, file, allowed=allowed, most_bytes=most_bytes)
    if len(artifact.remark) > MOST_REMARK:
        text = Text("at most {most} characters", "最长 {most} 个字符")
        found.append(Problem("remark", text, {"most": MOST_REMARK}))
    found += _likeness(artifact, others)
    return tuple(problem for problem in found if problem is not None)


def _version_problems(artifact: Artifact) -> list[Problem | None]:
    found = [version_problem("target", artifact.target)]
    if artifact.is_delta:
        found.append(version_problem("source", artifact.source))
        if artifact.source and artifact.source == artifact.target:
            found.append(Problem("source", Text("source and target are the same version", "源版本与目标版本相同")))
    elif artifact.source:
        found.append(Problem("source", Text("a whole artifact has no source version", "整包没有源版本")))
    return found


def _likeness(artifact: Artifact, others: Iterable[Artifact]) -> list[Problem]:
    key = (artifact.type, artifact.component, artifact.source, artifact.target)
    same = [one.name for one in others if (one.type, one.component, one.source, one.target) == key]
    if not same:
        return []
    text = Text("{names} has the same component and versions", "{names} 的组件与版本相同")
    return [Problem("target", text, {"names": ", ".join(sorted(same)[:3])}, is_warning=True)]


def deletion_problem(active_plans: Iterable[str], *, is_verifying: bool = False) -> Problem | None:
    """Why an artifact must stay; None when it may go.

    Args:
        active_plans: names of plans with it that were activated once, whatever became of them.
        is_verifying: whether a device tries it now.
    """
    names = sorted(active_plans)
    if names:
        text = Text("used by the activated plan {names}", "已被激活的升级计划使用：{names}")
        return Problem("artifact", text, {"names": ", ".join(names[:3])})
    if is_verifying:
        return Problem("artifact", Text("a verification with it is running", "正在进行固件验证"))
    return None
