"""States of a component and of a device in an upgrade, as tables.

A device reports codes; codes are skipped, repeated, and arrive again after a reconnect. So the highest step wins, what
is final stays final, and a pair that is not listed changes nothing. Two rows go back: 6 opens another try of the
download, and 3 (refused) puts the component back to "not received".

::

    not-received -1-> received -2-> confirmed -4-> ready -5-> downloading -8-> downloaded -9-> upgrading -11-> *
                                                     ^           | 6                                    -12-> failed
                                                     +----4--- download-failed
    * succeeded only if the version agrees (``verdict``)

Source: ota-semantics 7.1, 7.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum, StrEnum
from typing import Final

from moduline.cloud.plans.rules import DeviceStatus
from moduline.errors import Text


class Code(IntEnum):
    """What a device reports (id 13 of 0x0114); 7 and 10 do not exist, 0 is never sent."""

    RECEIVED = 1
    ACCEPTED = 2
    REFUSED = 3
    DOWNLOAD_START = 4
    DOWNLOADING = 5
    DOWNLOAD_ERROR = 6
    DOWNLOAD_SUCCESS = 8
    UPDATING = 9
    SUCCESS = 11
    ERROR = 12


class ComponentStatus(StrEnum):
    """A component in an upgrade."""

    NOT_RECEIVED = "not-received"
    RECEIVED = "received"
    CONFIRMED = "confirmed"
    READY = "ready"
    DOWNLOADING = "downloading"
    DOWNLOAD_FAILED = "download-failed"
    DOWNLOADED = "downloaded"
    UPGRADING = "upgrading"
    FAILED = "failed"
    SUCCEEDED = "succeeded"
    NO_UPDATE = "no-update"

    is_final: bool
    """Whether no report changes it any more."""
    is_started: bool
    """Whether the device has agreed and is at work."""
    is_loading: bool
    """Whether it has a URL and the file is not complete."""

    def __init__(self, value: str) -> None:  # facts of a member, not properties: they are asked ten times per event
        self.is_final = value in {"failed", "succeeded", "no-update"}
        self.is_started = not self.is_final and value not in {"not-received", "received"}
        self.is_loading = value in {"ready", "downloading", "download-failed"}


_S = ComponentStatus
_STEPS: Final = {
    Code.RECEIVED: _S.RECEIVED,
    Code.ACCEPTED: _S.CONFIRMED,
    Code.DOWNLOAD_START: _S.READY,
    Code.DOWNLOADING: _S.DOWNLOADING,
    Code.DOWNLOAD_ERROR: _S.DOWNLOAD_FAILED,
    Code.DOWNLOAD_SUCCESS: _S.DOWNLOADED,
    Code.UPDATING: _S.UPGRADING,
    Code.SUCCESS: _S.UPGRADING,
    Code.ERROR: _S.FAILED,
}
"""Where a code leads from every lower step; SUCCESS leads on when the version is known."""


def _rows(status: ComponentStatus, *codes: Code) -> dict[tuple[ComponentStatus, Code], ComponentStatus]:
    return {(status, code): _STEPS[code] for code in codes}


_LATER: Final = (Code.DOWNLOAD_SUCCESS, Code.UPDATING, Code.SUCCESS, Code.ERROR)
_ACCEPTED: Final = (Code.DOWNLOAD_START, Code.DOWNLOADING, Code.DOWNLOAD_ERROR, *_LATER)

TRANSITIONS: Final[Mapping[tuple[ComponentStatus, Code], ComponentStatus]] = {
    **_rows(_S.NOT_RECEIVED, Code.RECEIVED, Code.ACCEPTED, *_ACCEPTED),
    **_rows(_S.RECEIVED, Code.ACCEPTED, *_ACCEPTED),
    **_rows(_S.CONFIRMED, *_ACCEPTED),
    **_rows(_S.READY, Code.DOWNLOADING, Code.DOWNLOAD_ERROR, *_LATER),
    **_rows(_S.DOWNLOADING, Code.DOWNLOAD_ERROR, *_LATER),
    **_rows(_S.DOWNLOAD_FAILED, Code.DOWNLOAD_START, Code.DOWNLOADING, *_LATER),
    **_rows(_S.DOWNLOADED, Code.DOWNLOAD_ERROR, Code.UPDATING, Code.SUCCESS, Code.ERROR),
    **_rows(_S.UPGRADING, Code.SUCCESS, Code.ERROR),
    (_S.NOT_RECEIVED, Code.REFUSED): _S.NOT_RECEIVED,
    (_S.RECEIVED, Code.REFUSED): _S.NOT_RECEIVED,
    (_S.CONFIRMED, Code.REFUSED): _S.NOT_RECEIVED,
}
"""(status, code) -> status."""


def after(status: ComponentStatus, code: Code) -> ComponentStatus | None:
    """The status after a code; None: the code changes nothing here."""
    return TRANSITIONS.get((status, code))


def device_status(components: Iterable[ComponentStatus], *, is_open: bool) -> DeviceStatus:
    """What a device is in a plan.

    Args:
        components: status of each.
        is_open: whether an upgrade is in progress.
    """
    is_any = has_succeeded = has_started = False
    is_over = True
    for one in components:
        if one is _S.FAILED:
            return DeviceStatus.FAILED
        is_any = True
        has_succeeded |= one is _S.SUCCEEDED
        has_started |= one.is_started
        is_over &= one.is_final
    if is_any and is_over:
        return DeviceStatus.UPGRADED if has_succeeded else DeviceStatus.NO_UPDATE
    return DeviceStatus.UPGRADING if is_open and (has_started or has_succeeded) else DeviceStatus.NOT_UPGRADED


TEXTS: Final[Mapping[ComponentStatus, Text]] = {
    _S.NOT_RECEIVED: Text("plan not received", "未接收计划"),
    _S.RECEIVED: Text("plan received", "已接收计划"),
    _S.CONFIRMED: Text("confirmed", "已确认升级"),
    _S.READY: Text("ready to download", "准备下载"),
    _S.DOWNLOADING: Text("downloading", "下载中"),
    _S.DOWNLOAD_FAILED: Text("download failed", "下载失败"),
    _S.DOWNLOADED: Text("download succeeded", "下载成功"),
    _S.UPGRADING: Text("upgrading", "升级中"),
    _S.FAILED: Text("upgrade failed", "升级失败"),
    _S.SUCCEEDED: Text("upgrade succeeded", "升级成功"),
    _S.NO_UPDATE: Text("no update required", "无需升级"),
}

DEVICE_TEXTS: Final[Mapping[DeviceStatus, Text]] = {
    DeviceStatus.NOT_UPGRADED: Text("not upgraded", "未升级"),
    DeviceStatus.UPGRADING: Text("upgrading", "升级中"),
    DeviceStatus.UPGRADED: Text("upgraded", "升级成功"),
    DeviceStatus.FAILED: Text("failed", "升级失败"),
    DeviceStatus.NO_UPDATE: Text("no update required", "无需升级"),
}
