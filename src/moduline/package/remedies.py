"""What to do about a finding of ``verify``, by its slug; what is not listed follows from its severity.

Source: platform-unisoc 2.7 to 2.11, 3.5; platform-asr 1.8; platform-eigencomm 1.
"""

from __future__ import annotations

from typing import Final

from moduline.errors import Text
from moduline.package.findings import ERROR, WARNING, Finding

_FETCH: Final = Text(
    "Get the file again from where it came from and compare its SHA-256; do not burn this one.",
    "请从来源重新获取该文件并核对 SHA-256；请勿烧录此文件。",
)
_BUILD: Final = Text(
    "Build the package again: its script area was made for another size.",
    "请重新构建固件包：脚本分区镜像的大小与分区不符。",
)
_MERGED: Final = Text(
    "A tool other than Moduline changed it. Build it again from the stock package.",
    "固件包曾被其他工具修改。请用原厂固件重新构建。",
)
_SEVERITY: Final = {
    ERROR: _FETCH,
    WARNING: Text(
        "Unusual, but no reason to stop. Burn one module first and look at it.",
        "属于异常情况，但不妨碍烧录。建议先烧录一个模组并检查。",
    ),
}
_NOTHING: Final = Text("Nothing to do.", "无需处理。")
_BY_SLUG: Final = {
    "part-too-big": Text(
        "Make the content smaller, or take a package whose partition is larger.",
        "请减小内容，或选用分区更大的固件包。",
    ),
    "area-size": _BUILD,
    "fs-larger-than-area": _BUILD,
    "fs-blank": Text(
        "The module formats the area at its first boot; build with a project to put scripts there.",
        "模组首次启动时会格式化该分区；如需写入脚本请用工程构建。",
    ),
    "chip-unknown": Text(
        "Say the module where it is asked for; Moduline cannot tell it from the package.",
        "固件包未说明平台，请在需要时指定型号。",
    ),
    "part-unknown": Text(
        "It is carried along unchanged. Tell us where the package is from.",
        "该条目会原样保留。请告知固件包来源。",
    ),
    "script-idle": _MERGED,
    "xml-extra": _MERGED,
    "xml-order": _MERGED,
    "stream-stale": _MERGED,
    "nv-backup": Text(
        "Keep a backup of the module's calibration before burning.",
        "烧录前请备份模组的校准数据。",
    ),
}


def remedy_of(finding: Finding) -> Text:
    """What to do about a finding."""
    return _BY_SLUG.get(finding.slug) or _SEVERITY.get(finding.severity, _NOTHING)
