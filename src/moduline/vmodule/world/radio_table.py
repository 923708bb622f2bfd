"""Reading of a scenario's ``radio`` table into a ``RadioPlan``; its form stands at the head of ``radio_plan``."""

from __future__ import annotations

import ipaddress
import re
from itertools import pairwise
from typing import Final, NoReturn

from moduline.profiles.schema import Table
from moduline.vmodule.world.radio_plan import (
    MAX_RSSI,
    NO_SIGNAL,
    QUICK,
    REALISTIC,
    REGISTRATIONS,
    RSRP_BELOW_RSSI,
    SIM_STATES,
    CellPlan,
    Contact,
    DataPlan,
    Neighbour,
    Point,
    RadioPlan,
    SimEvent,
    SimPlan,
    dbm_of_rssi,
)

MAX_APN: Final = 64


def read_radio(table: Table) -> RadioPlan:
    """The plan in a scenario's ``radio`` table.

    Raises:
        BadRecipe: a key is wrong or unknown.
    """
    default = RadioPlan()
    plan = RadioPlan(
        sim=_read_sim(table.table("sim")) if table.has("sim") else default.sim,
        cell=_read_cell(table.table("cell")) if table.has("cell") else default.cell,
        data=_read_data(table.table("data")) if table.has("data") else default.data,
        times=REALISTIC if table.choice("timing", ("quick", "realistic"), "quick") == "realistic" else QUICK,
        battery=_read_battery(table) or default.battery,
    )
    table.end()
    return plan


def _read_battery(table: Table) -> tuple[Point, ...]:
    points = []
    for one in table.tables("battery", []):
        points.append(Point(_seconds(one, "at_s"), float(one.number("mv"))))
        one.end()
    return _in_order(table, "battery", points)


def _read_sim(table: Table) -> SimPlan:
    default = SimPlan()
    contacts = []
    for one in table.tables("phonebook", []):
        contacts.append(Contact(_within(one, "index", 1, 500, 1), one.text("name"), _digits(one, "number", 1, 20, "")))
        one.end()
    events = []
    for one in table.tables("events", []):
        events.append(SimEvent(_seconds(one, "at_s"), one.choice("what", ("in", "out")) == "in"))
        one.end()
    plan = SimPlan(
        state=table.choice("state", tuple(SIM_STATES), default.state),
        imsi=_digits(table, "imsi", 15, 15, default.imsi),
        iccid=_digits(table, "iccid", 19, 20, default.iccid),
        number=_digits(table, "number", 0, 20, default.number),
        pin=_digits(table, "pin", 4, 8, default.pin),
        puk=_digits(table, "puk", 8, 8, default.puk),
        centre=_digits(table, "centre", 1, 20, default.centre),
        phonebook=tuple(contacts),
        events=tuple(sorted(events, key=lambda event: event.at_s)),
    )
    table.end()
    return plan


def _read_cell(table: Table) -> CellPlan:
    default = CellPlan()
    plan = CellPlan(
        operator=table.text("operator", default.operator),
        short_name=table.text("short_name", default.short_name),
        mcc=_digits(table, "mcc", 3, 3, default.mcc),
        mnc=_digits(table, "mnc", 2, 3, default.mnc),
        lac=_within(table, "lac", 1, 65534, default.lac),
        cid=_within(table, "cid", 0, (1 << 28) - 1, default.cid),
        rat=_within(table, "rat", 0, 9, default.rat),
        pci=_within(table, "pci", 0, 503, default.pci),
        earfcn=_within(table, "earfcn", 0, 65535, default.earfcn),
        band=_within(table, "band", 1, 255, default.band),
        registration=table.choice("registration", tuple(REGISTRATIONS), default.registration),
        cause=_within(table, "cause", 0, 255, default.cause),
        signal=_read_signal(table) or default.signal,
        noise_db=table.seconds("noise_db") if table.has("noise_db") else default.noise_db,
        neighbours=tuple(_read_neighbour(one) for one in table.tables("neighbours", [])),
        zone_quarters=_within(table, "zone_quarters", 0, 56, default.zone_quarters),
    )
    table.end()
    return plan


def _read_signal(table: Table) -> tuple[Point, ...]:
    points = []
    for one in table.tables("signal", []):
        at_s = _seconds(one, "at_s")
        if one.has("rsrp"):
            value: float | None = RSRP_BELOW_RSSI - float(_within(one, "rsrp", 44, 140, 90))
        else:
            rssi = one.number("rssi")
            if rssi > MAX_RSSI and rssi != NO_SIGNAL:
                one.refuse("rssi", "it must be 0 to 31, or 99", "应为 0 至 31，或 99")
            value = None if rssi == NO_SIGNAL else dbm_of_rssi(rssi)
        one.end()
        points.append(Point(at_s, value))
    return _in_order(table, "signal", points)


def _read_neighbour(table: Table) -> Neighbour:
    default = Neighbour(0, 0, 1, 0, 0)
    cell = Neighbour(
        cid=_within(table, "cid", 0, (1 << 28) - 1, None),
        pci=_within(table, "pci", 0, 503, None),
        tac=_within(table, "tac", 1, 65534, None),
        earfcn=_within(table, "earfcn", 0, 65535, None),
        rsrp=-_within(table, "rsrp", 44, 140, None),
        mcc=_digits(table, "mcc", 3, 3, default.mcc),
        mnc=_digits(table, "mnc", 2, 3, default.mnc),
    )
    table.end()
    return cell


def _read_data(table: Table) -> DataPlan:
    default = DataPlan()
    apn = table.text("apn", default.apn)
    if len(apn.encode()) > MAX_APN:
        table.refuse("apn", "at most 64 bytes", "最多 64 字节")
    plan = DataPlan(
        apn=apn,
        is_apn_strict=table.flag("is_apn_strict", default=False),
        user=table.text("user", ""),
        password=table.text("password", ""),
        fail_first=table.number("fail_first", 0),
        drop_after_s=_seconds(table, "drop_after_s") if table.has("drop_after_s") else None,
        address=_address(table, "address", 4, default.address),
        dns=_pair(table, "dns", 4, default.dns),
        address6=_address(table, "address6", 6, default.address6),
        dns6=_pair(table, "dns6", 6, default.dns6),
    )
    table.end()
    return plan


def _seconds(table: Table, key: str) -> float:
    value = table.seconds(key)
    if not 0 <= value < 1e9:
        table.refuse(key, "it must be a number of seconds from 0 on", "应为不小于 0 的秒数")
    return value


def _within(table: Table, key: str, least: int, most: int, default: int | None) -> int:
    value = table.number(key) if default is None else table.number(key, default)
    if not least <= value <= most:
        table.refuse(key, "it must be {least} to {most}", "应为 {least} 至 {most}", least=least, most=most)
    return value


def _digits(table: Table, key: str, least: int, most: int, default: str) -> str:
    value = table.text(key, default)
    if not re.fullmatch(rf"\+?[0-9]{{{least},{most}}}", value) or len(value) > max(most, 20):
        en, zh = "it must be {least} to {most} digits", "应为 {least} 至 {most} 位数字"
        table.refuse(key, en, zh, least=least, most=most)
    return value


def _address(table: Table, key: str, version: int, default: str) -> str:
    return _checked(table, key, table.text(key, default), version)


def _pair(table: Table, key: str, version: int, default: tuple[str, str]) -> tuple[str, str]:
    if not table.has(key):
        return default
    values = [_checked(table, key, one, version) for one in table.texts(key)]
    if not 1 <= len(values) <= 2:
        table.refuse(key, "one or two addresses", "应为一个或两个地址")
    return values[0], values[-1]


def _checked(table: Table, key: str, text: str, version: int) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        _no_address(table, key, version)
    if address.version != version:
        _no_address(table, key, version)
    return str(address)


def _no_address(table: Table, key: str, version: int) -> NoReturn:
    table.refuse(key, "it must be an IPv{version} address", "应为 IPv{version} 地址", version=version)


def _in_order(table: Table, key: str, points: list[Point]) -> tuple[Point, ...]:
    times = [point.at_s for point in points]
    if any(later <= before for before, later in pairwise(times)):
        table.refuse(key, "times must ascend", "时间须递增")
    return tuple(points)
