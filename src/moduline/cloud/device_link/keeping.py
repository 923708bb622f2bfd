"""What devices say becomes rows: each event by itself, or many at once with the same result.

``keep`` is one transaction for one event. The writer hands over what waits as one call of ``keep_all``: the open
upgrades of all those devices are read by one statement and written by one (``upgrades.sitting``).

Source: ota-semantics 11.3 to 11.5; decision 0029.
"""

from __future__ import annotations

from sqlalchemy import Connection

from moduline.cloud.device_link import translate
from moduline.cloud.device_link.platform import CameOnline, Received, Uplink, WentOffline
from moduline.cloud.devices import contact as devices
from moduline.cloud.group_commit import Calls, together
from moduline.cloud.upgrades import rows
from moduline.cloud.upgrades import service as upgrades
from moduline.cloud.upgrades.events import Connected, Disconnected, StatusReported
from moduline.cloud.upgrades.rows import Downlink
from moduline.cloud.upgrades.sitting import Ear, OneByOne, Sitting
from moduline.wire.quecthing.messages import Message
from moduline.wire.quecthing.ota_messages import SHA256_WANTED, Confirmation, Report, Request, StatusCode
from moduline.wire.quecthing.sys_messages import DeviceInformation, DeviceStatus


def keep(conn: Connection, node: str, uplink: Uplink) -> tuple[Downlink, ...] | None:
    """Let the rules hear what happened to a device: one transaction.

    Returns:
        What is to be said; None: the device has come again since, and nothing is kept. Old words would be believed
        after new ones: the version from before the update, and it is sent once more.
    """
    return _kept(OneByOne(conn), node, uplink)


def keep_all(conn: Connection, calls: Calls) -> list[tuple[Downlink, ...] | None]:
    """The same for many, in their order, with few statements (``upgrades.sitting``)."""
    heard: list[tuple[str, Uplink]] = [args for args, _ in calls]
    sitting = Sitting(conn, (uplink.device for _, uplink in heard))
    said = [_kept(sitting, node, uplink) for node, uplink in heard]
    sitting.end()
    return said


together(keep, keep_all)


def _kept(ear: Ear, node: str, uplink: Uplink) -> tuple[Downlink, ...] | None:
    now, device_id, conn = uplink.at, uplink.device, ear.conn
    if _is_past(ear, uplink):
        return None
    match uplink.event:
        case CameOnline():
            is_new = devices.connect(conn, device_id, node, uplink.connection, now=now)
            if not is_new:
                return ()
            ear.came(device_id, uplink.connection)
            return ear.hear(device_id, Connected(), now=now)
        case WentOffline():
            has_ended = devices.disconnect(conn, device_id, uplink.connection, now=now)
            return ear.hear(device_id, Disconnected(), now=now) if has_ended else ()
        case Received(_, message):
            return _told(ear, device_id, message, now)
        case _:
            return ()


def _is_past(ear: Ear, uplink: Uplink) -> bool:
    """Whether somebody else has heard the device on a later connection; its end is no matter, that has a number."""
    event = uplink.event
    if isinstance(event, WentOffline):
        return False
    if isinstance(event, Received) and isinstance(event.message, DeviceInformation | Request):
        return devices.hold(ear.conn, uplink.device) > uplink.connection  # what runs is never written over by what ran
    return ear.is_past(uplink.device, uplink.connection)


def _told(ear: Ear, device_id: int, message: Message, now: float) -> tuple[Downlink, ...]:
    match message:
        case DeviceStatus():
            return _told_facts(ear, device_id, message, now)
        case DeviceInformation(module_version=module, mcu_versions=mcu):
            said = _told_facts(ear, device_id, message, now)
            if not module and not mcu:
                return said
            controllers = translate.controllers_of(mcu)
            return (*said, *ear.plainly(device_id, upgrades.told_versions, device_id, module, controllers, now=now))
        case Request(module_version=module, mcu_versions=mcu):
            controllers = translate.controllers_of(mcu)
            return ear.plainly(device_id, upgrades.requested, device_id, module, controllers, now=now)
        case Report():
            return _reported(ear, device_id, message, now)
        case Confirmation(accepts=accepts):
            code = StatusCode.SUBMITOTA if accepts else StatusCode.REFUSEDOTA
            return ear.plainly(device_id, _confirmed, device_id, code, now=now)
        case _:
            return ()


def _told_facts(
    ear: Ear, device_id: int, message: DeviceStatus | DeviceInformation, now: float
) -> tuple[Downlink, ...]:
    facts = translate.facts_of(message)
    devices.report_facts(ear.conn, device_id, facts, now=now)
    space = upgrades.space_of(facts)
    return () if space is None else ear.hear(device_id, space, now=now)


def _reported(ear: Ear, device_id: int, report: Report, now: float) -> tuple[Downlink, ...]:
    event = translate.status_of(report)
    if event is None:
        return ()
    if report.code == StatusCode.SUBMITOTA:  # each asks anew: after other firmware the device may not know the digest
        wanted = SHA256_WANTED if report.digest == SHA256_WANTED else ""
        devices.note_fact(ear.conn, device_id, translate.DIGEST_FACT, wanted)
    if event.versions is not None:
        told = event.versions
        devices.report_versions(ear.conn, device_id, told.module, told.mcu, now=now)
    return ear.hear(device_id, event, now=now)


def _confirmed(conn: Connection, device_id: int, code: StatusCode, *, now: float) -> tuple[Downlink, ...]:
    """Command 0x0112, the old form of status 2 and 3: it names no component."""
    found = rows.OPEN.first(conn, {"device": device_id})
    current = None if found is None else rows.row_of(found).state.current
    if current is None:
        return ()
    return upgrades.hear(conn, device_id, StatusReported(int(code), current.type, current.component), now=now)
