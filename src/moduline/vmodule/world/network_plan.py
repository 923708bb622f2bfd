"""What a module's way into the internet is like: reachable hosts, names, delays, faults.

A virtual module reaches nothing but this computer unless its scenario says so::

    [network]
    allowed = ["*.example.org"]         # reached for real
    delay_ms = 120                      # each way
    loss = 0.02                         # share of datagrams
    bytes_per_s = 40000                 # each way, of each connection

    [network.aliases]
    "www.example.com" = "127.0.0.1:8080"      # every port of that name
    "mqtt.example.com:1883" = "127.0.0.1:2883"

    [network.dns]
    "www.example.com" = "93.184.216.34"       # what the module gets to see

    [network.ports]
    8080 = 18080                        # the module's port -> port of this computer that leads to it

    [[network.failures]]
    host = "www.example.com"
    kind = "drop"
    after_bytes = 20000
    count = 1
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from moduline.profiles.schema import Table

KINDS: Final = ("dns", "refused", "silent", "drop")
MAX_PORT: Final = 65535


@dataclass(frozen=True, slots=True)
class NetworkFailure:
    """One fault of the network.

    Attributes:
        host: pattern of the names or addresses it strikes, such as ``*.example.com``.
        kind: ``dns`` (the name does not resolve), ``refused`` (no connection), ``silent`` (the connection is never
            answered), ``drop`` (it is reset after some bytes).
        after_bytes: for ``drop``: bytes of both directions that still pass.
        count: how many times it strikes; 0 for every time.
    """

    host: str
    kind: str
    after_bytes: int = 0
    count: int = 0


@dataclass(frozen=True, slots=True)
class NetworkPlan:
    """How the network behaves.

    Attributes:
        allowed: patterns of host names and addresses that are reached for real; this computer always is.
        aliases: ``name`` or ``name:port`` to the ``host`` or ``host:port`` that plays it.
        dns: name to the IPv4 address that scripts see.
        ports: port the module listens on to the port of this computer that leads to it; others get a free one.
        delay_ms: one way, of bytes, datagrams and answers to names.
        loss: share of datagrams lost, 0 to 1.
        bytes_per_s: of one direction of one connection; 0 for no limit.
        failures: what goes wrong.
        is_isolated: only ``aliases`` are reached, this computer neither: for scripts that nobody here has read.
    """

    allowed: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    dns: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[int, int] = field(default_factory=dict)
    delay_ms: int = 0
    loss: float = 0.0
    bytes_per_s: int = 0
    failures: tuple[NetworkFailure, ...] = ()
    is_isolated: bool = False


def read_network(table: Table) -> NetworkPlan:
    """The plan of a scenario's ``network`` table.

    Raises:
        BadRecipe: an unknown key, an unusable value.
    """
    plan = NetworkPlan(
        allowed=table.texts("allowed", []),
        aliases=_pairs(table, "aliases"),
        dns={name: _address(table, "dns", value) for name, value in _pairs(table, "dns").items()},
        ports=_ports(table),
        delay_ms=table.number("delay_ms", 0),
        loss=_share(table, "loss"),
        bytes_per_s=table.number("bytes_per_s", 0),
        failures=tuple(_failure(row) for row in table.tables("failures", [])),
    )
    for name, target in plan.aliases.items():
        if not is_target(name) or not is_target(target):
            en, zh = "'{name}' or '{target}' is no host", "“{name}”或“{target}”不是主机"
            table.refuse("aliases", en, zh, name=name, target=target)
    table.end()
    return plan


def split_target(text: str) -> tuple[str, int]:
    """(host, port) of ``host:port``; port 0 where none is given."""
    host, _, port = text.partition(":")
    return host, int(port) if port else 0


def is_target(text: str) -> bool:
    """Whether it is ``host`` or ``host:port``."""
    host, colon, port = text.partition(":")
    return bool(host) and (not colon or (port.isascii() and port.isdigit() and 0 < int(port) <= MAX_PORT))


def _share(table: Table, key: str) -> float:
    value = table.seconds(key) if table.has(key) else 0.0
    if not 0.0 <= value <= 1.0:
        table.refuse(key, "it must be from 0 to 1", "应在 0 到 1 之间")
    return value


def _pairs(table: Table, key: str) -> dict[str, str]:
    if not table.has(key):
        return {}
    rows = table.table(key)
    return {name: rows.text(name) for name in rows.names()}


def _ports(table: Table) -> dict[int, int]:
    if not table.has("ports"):
        return {}
    rows = table.table("ports")
    ports = {}
    for name in rows.names():
        if not (name.isascii() and name.isdigit() and 0 < int(name) <= MAX_PORT):
            rows.refuse(name, "it is no port number", "不是端口号")
        ports[int(name)] = rows.number(name)
        if ports[int(name)] > MAX_PORT:
            rows.refuse(name, "it is no port number", "不是端口号")
    return ports


def _address(table: Table, key: str, text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        table.refuse(key, "'{value}' is no IPv4 address", "“{value}”不是 IPv4 地址", value=text)


def _failure(row: Table) -> NetworkFailure:
    failure = NetworkFailure(
        row.text("host", "*"), row.choice("kind", KINDS), row.number("after_bytes", 0), row.number("count", 0)
    )
    row.end()
    return failure
