"""Which addresses a webhook may reach: the open internet, and networks that the operator of the platform allows.

A webhook is an address that a customer types and the platform's machine opens, so it could ask for what only that
machine sees: its own services, a cloud's metadata, neighbours in the network. So a name is looked up, *every* address
that it has must be allowed, and the connection goes to the address that was checked: a name that says something else a
moment later gains nothing. Redirects are not followed.

Source: OWASP, Server-Side Request Forgery Prevention; RFC 6890 (special-purpose addresses).
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from moduline.errors import BadField, Text

URL_LIMIT: Final = 2000
PORTS: Final = {"http": 80, "https": 443}
_NO_URL: Final = Text("not http://… or https://… with a host, without user name", "须为不含用户名的 http(s):// 地址")
_NOT_ALLOWED: Final = Text(
    "{address} is in a network that webhooks may not reach; the platform's operator can allow it",
    "{address} 所在网络不允许 Webhook 访问，可由平台运维放行",
)
_UNKNOWN: Final = Text("the name {host} is not known", "无法解析域名 {host}")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Peer:
    """Where a webhook is.

    Args:
        scheme: ``http`` or ``https``.
        host: as typed, without brackets.
        port: TCP port.
        path: with the query; begins with ``/``.
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """What the header ``Host`` is."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def peer_of(url: str) -> Peer:
    """The parts of an address.

    Raises:
        BadField: it is none that a webhook can have.
    """
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
    except ValueError as wrong:
        raise BadField(field="url", reason=_NO_URL) from wrong
    is_plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= URL_LIMIT
    if not is_plain or parts.scheme not in PORTS or not host or "@" in parts.netloc or port == 0:
        raise BadField(field="url", reason=_NO_URL)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Peer(parts.scheme, host, port or PORTS[parts.scheme], path)


@dataclass(frozen=True, slots=True)
class Reach:
    """What webhooks of this installation may reach.

    Args:
        allowed: networks beside the open internet, such as that of the customer's own machines.
    """

    allowed: tuple[Network, ...] = ()

    @classmethod
    def of(cls, networks: Iterable[str]) -> Reach:
        """From texts such as ``10.1.0.0/16``.

        Raises:
            BadField: one is none.
        """
        try:
            return cls(tuple(ipaddress.ip_network(one) for one in networks))
        except ValueError as wrong:
            reason = Text("not a network such as 10.1.0.0/16: {said}", "不是有效的网段（例如 10.1.0.0/16）：{said}")
            raise BadField(field="webhook networks", reason=reason, said=str(wrong)) from wrong

    def allows(self, address: Address) -> bool:
        """Whether an address may be reached."""
        if isinstance(address, ipaddress.IPv6Address):
            inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
            if inner is not None:
                return self.allows(inner)
        if any(address.version == one.version and address in one for one in self.allowed):
            return True
        return address.is_global and not address.is_multicast and not address.is_unspecified

    def check(self, peer: Peer) -> None:
        """Refuse an address that is typed as numbers and may not be reached; names are looked up when they are used.

        Raises:
            BadField: it may not.
        """
        try:
            address = ipaddress.ip_address(peer.host.partition("%")[0])
        except ValueError:
            return
        if not self.allows(address):
            raise BadField(field="url", reason=_NOT_ALLOWED, address=str(address))

    async def resolve(self, peer: Peer) -> str:
        """The address to connect to, as numbers.

        Raises:
            BadField: the name is unknown, or one of its addresses may not be reached.
        """
        try:
            found = await asyncio.get_running_loop().getaddrinfo(peer.host, peer.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as wrong:
            raise BadField(field="url", reason=_UNKNOWN, host=peer.host) from wrong
        for *_, place in found:
            address = ipaddress.ip_address(str(place[0]).partition("%")[0])
            if not self.allows(address):
                raise BadField(field="url", reason=_NOT_ALLOWED, address=str(address))
        return str(found[0][4][0])
