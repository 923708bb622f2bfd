"""QuecThing messages and what the rules speak of, in both directions; pure.

::

    0x0034, 0x0032  battery, signal, free flash ... ──▶ facts, SpaceReported
    0x0044, 0x0042  model, SIM, versions            ──▶ facts, VersionsReported
    0x0114          status code                     ──▶ StatusReported
    SayPlan ──▶ 0x0111      SayUrl ──▶ 0x0113      AskVersions ──▶ 0x0041      SayMove ──▶ 0x00B4

One file is always said in the single form, a list only where there are several (ota-semantics 11.5): builds of the SDK
differ in whether they understand the list. SHA-256 is said to those that asked for it.

Source: ota-semantics 11.3 to 11.5, 12 (traps 6, 10, 14).
"""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from typing import Any, Final

from moduline.cloud.artifacts.rules import ComponentType
from moduline.cloud.plans.rules import Versions
from moduline.cloud.upgrades.events import StatusReported
from moduline.cloud.upgrades.offer import AskVersions, PlanItem, Say, SayMove, SayPlan, SayUrl
from moduline.cloud.upgrades.rows import Downlink, FileLink
from moduline.wire.quecthing import ttlv
from moduline.wire.quecthing.messages import Message
from moduline.wire.quecthing.ota_messages import (
    Firmware,
    FirmwareFile,
    Offer,
    OfferedComponent,
    Report,
    mcu_versions,
)
from moduline.wire.quecthing.sys_messages import Configuration, DeviceInformation, DeviceStatus, ReadInformation, Server

VERSION_IDS: Final = (2, 3)
"""Information ids of the module's version and of the controllers'."""
DIGEST_FACT: Final = "ota_digest"
"""Fact of a device: which digest it asked for with status 2."""
_DELAY_ID: Final = 12
_NOT_FACTS: Final = frozenset({"module_version", "mcu_versions", "is_answer", "extra"})
_DIGITS: Final = 3
_TYPES: Final = {int(one): one for one in ComponentType}


def facts_of(message: DeviceStatus | DeviceInformation) -> dict[str, Any]:
    """What a report says of a device, by name; numbers rounded, what is missing left out."""
    told = ((one.name, getattr(message, one.name)) for one in fields(message) if one.name not in _NOT_FACTS)
    return {name: _plain(value) for name, value in told if value not in {None, ""}}


def controllers_of(text: str | None) -> dict[str, str] | None:
    """Versions of controllers; None: nothing was said."""
    return mcu_versions(text) if text else None


def status_of(report: Report) -> StatusReported | None:
    """The event of a status report; None: of a type of component that does not exist."""
    kind = _TYPES.get(report.type or 0)
    if kind is None:
        return None
    versions = None
    if report.module_version or report.mcu_versions:
        versions = Versions(report.module_version or None, controllers_of(report.mcu_versions) or {})
    return StatusReported(report.code, kind, report.component or "", versions, report.word or "")


def message_of(down: Downlink, files_url: str, *, wants_sha256: bool = False) -> Message | None:
    """What is written on the wire.

    Args:
        down: what is to be said.
        files_url: what the address of every file begins with; its token follows.
        wants_sha256: whether the device asked for it.

    Returns:
        The message; None: nothing of it goes to the device.
    """
    say: Say = down.say
    match say:
        case SayPlan():
            first = (ttlv.Field(_DELAY_ID, Decimal(say.delay_s)),) if say.delay_s else ()
            return Offer(tuple(_offered(item, () if at else first) for at, item in enumerate(say.items)))
        case SayUrl():
            return _firmware(say, down.files, files_url, wants_sha256=wants_sha256)
        case AskVersions():
            return ReadInformation(VERSION_IDS)
        case SayMove():
            return Configuration(server=Server(say.domain or None, say.ip or None, say.port))
        case _:
            return None


def _offered(item: PlanItem, extra: ttlv.Fields) -> OfferedComponent:
    return OfferedComponent(
        item.component,
        item.target,
        int(item.type),
        item.source or None,
        item.battery,
        item.disk_bytes,
        item.signal_dbm,
        extra=extra,
    )


def _firmware(say: SayUrl, files: tuple[FileLink, ...], files_url: str, *, wants_sha256: bool) -> Firmware | None:
    if not files:
        return None
    if len(files) > 1:
        listed = tuple(FirmwareFile(at, files_url + one.token, one.bytes, one.md5) for at, one in enumerate(files))
        return Firmware(say.component, say.target, int(say.type), files=listed)
    one = files[0]
    sha256 = one.sha256 if wants_sha256 else None
    return Firmware(
        say.component,
        say.target,
        int(say.type),
        files_url + one.token,
        one.bytes,
        one.md5,
        one.crc32_mpeg2,
        sha256=sha256,
    )


def _plain(value: object) -> Any:
    """A value as JSON has it: 25, 3.82, text."""
    if not isinstance(value, Decimal):
        return value
    if not value.is_finite():
        return str(value)
    whole = value.to_integral_value()
    return int(whole) if whole == value else round(float(value), _DIGITS)
