"""What the scripted QuecThing peer of a scenario says and when; read from the scenario's ``cloud`` table.

Source: device-api 13.1 to 13.3; ota-semantics 11.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from moduline.profiles.schema import Table

MODULE_COMPONENT: Final = 0
MCU_COMPONENT: Final = 1
MAX_ITEMS: Final = 20
MAX_COMPONENT: Final = 32
MAX_VERSION: Final = 64
CONNECT_S: Final = 0.2
PORTS: Final[Mapping[str, int]] = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True, slots=True)
class OtaItem:
    """One component of an offered plan.

    Attributes:
        component: its identifier; empty for the module's model.
        component_type: 0 module, 1 MCU.
        source: version the plan is for; empty for any (a whole package).
        target: version it leads to.
        battery: lowest battery the plan wants, in percent.
        space: free flash it wants, in bytes.
        signal: weakest signal it wants, in dBm.
        url: where the package is; empty: the platform never sends one.
        size_bytes: of the package.
        md5: of the package, 32 lower-case hex digits.
        crc: its CRC-32/MPEG-2, as hex text.
    """

    component: str = ""
    component_type: int = MODULE_COMPONENT
    source: str = ""
    target: str = ""
    battery: int = 0
    space: int = 0
    signal: int = 0
    url: str = ""
    size_bytes: int = 0
    md5: str = ""
    crc: str = ""


@dataclass(frozen=True, slots=True)
class OtaOffer:
    """A plan of the platform.

    Attributes:
        items: its components, in order.
        push_s: module seconds after the first connection at which the platform offers it; None: only when asked.
    """

    items: tuple[OtaItem, ...]
    push_s: float | None = None


@dataclass(frozen=True, slots=True)
class Downlink:
    """A message of the platform to the script.

    Attributes:
        at_s: module seconds after a connection.
        kind: ``trans``, ``tsl`` or ``read``.
        text: transparent data, for ``trans``.
        values: (id, value) pairs, for ``tsl``.
        ids: what is to be read, for ``read``.
    """

    at_s: float
    kind: str
    text: str = ""
    values: tuple[tuple[int, str], ...] = ()
    ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class CloudPlan:
    """The platform as one module meets it.

    Attributes:
        product_key: the product it knows; empty for any.
        product_secret: of that product; empty for any.
        connect_s: module seconds from ``start()`` to being online.
        network_result: second argument of ``devEvent(1, ...)``.
        platform_result: second argument of ``devEvent(2, ...)``; anything but 0 refuses the module.
        offers: its plans, the first that fits is offered.
        messages: what it sends by itself.
        server: URL of a real platform, such as ``mqtt://127.0.0.1:1883``: the SDK goes there instead of meeting
            a scripted one, unless the script names another server; empty: scripted.
    """

    product_key: str = ""
    product_secret: str = ""
    connect_s: float = CONNECT_S
    network_result: int = 0
    platform_result: int = 0
    offers: tuple[OtaOffer, ...] = ()
    messages: tuple[Downlink, ...] = ()
    server: str = ""


def read_cloud(table: Table) -> CloudPlan:
    """The plan in a scenario's ``cloud`` table.

    Raises:
        BadRecipe: a key is wrong or unknown.
    """
    plan = CloudPlan(
        product_key=table.text("product_key", ""),
        product_secret=table.text("product_secret", ""),
        connect_s=table.seconds("connect_s") if table.has("connect_s") else CONNECT_S,
        network_result=-table.number("network_error", 0),
        platform_result=-table.number("platform_error", 0),
        offers=tuple(_read_offer(one) for one in table.tables("ota", [])),
        messages=tuple(_read_message(one) for one in table.tables("messages", [])),
        server=table.text("server", ""),
    )
    if plan.server and server_of(plan.server) is None:
        table.refuse("server", "a server is mqtt://host:port or mqtts://host:port", "服务器须写作 mqtt://主机:端口")
    table.end()
    return plan


def server_of(url: str) -> tuple[str, int] | None:
    """Host and port of a platform's URL; None when it is none."""
    scheme, mark, place = url.partition("://")
    host, colon, port = place.rstrip("/").partition(":")
    if not mark or scheme not in PORTS or not host or (colon and not (port.isdecimal() and len(port) <= 5)):
        return None
    return host, int(port) if colon else PORTS[scheme]


def _read_offer(table: Table) -> OtaOffer:
    push = table.seconds("push_s") if table.has("push_s") else None
    items = tuple(_read_item(one) for one in table.tables("components"))
    if not 1 <= len(items) <= MAX_ITEMS:
        table.refuse("components", "a plan has 1 to {most} components", "计划须含 1 至 {most} 个组件", most=MAX_ITEMS)
    table.end()
    return OtaOffer(items, push)


def _read_item(table: Table) -> OtaItem:
    item = OtaItem(
        component=table.text("component", ""),
        component_type=MCU_COMPONENT if table.choice("type", ("module", "mcu"), "module") == "mcu" else 0,
        source=table.text("source", ""),
        target=table.text("target"),
        battery=table.number("battery", 0),
        space=table.number("space", 0),
        signal=-table.number("weakest_dbm", 0),
        url=table.text("url", ""),
        size_bytes=table.number("size_bytes", 0),
        md5=table.text("md5", ""),
        crc=table.text("crc", ""),
    )
    if item.component_type == MCU_COMPONENT and not item.component:
        table.refuse("component", "an MCU component needs a name", "MCU 组件须有标识")
    for key, text, most in (("component", item.component, MAX_COMPONENT), ("target", item.target, MAX_VERSION)):
        if len(text.encode()) > most:
            table.refuse(key, "at most {most} bytes", "最多 {most} 字节", most=most)
    table.end()
    return item


def _read_message(table: Table) -> Downlink:
    kind = table.choice("kind", ("trans", "tsl", "read"))
    message = Downlink(
        at_s=table.seconds("at_s"),
        kind=kind,
        text=table.text("text") if kind == "trans" else "",
        values=_pairs(table) if kind == "tsl" else (),
        ids=tuple(number for number, _ in _pairs(table)) if kind == "read" else (),
    )
    table.end()
    return message


def _pairs(table: Table) -> tuple[tuple[int, str], ...]:
    """(id, value) of each entry under ``values``; what is only read has no value."""
    pairs = []
    for one in table.tables("values"):
        pairs.append((one.number("id"), one.text("value", "")))
        one.end()
    return tuple(pairs)
