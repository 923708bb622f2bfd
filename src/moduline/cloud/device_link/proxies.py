"""Who a request comes from when a proxy stands in between: believed only of proxies that the operator named.

::

    peer not named ─▶ the peer, whatever its headers say
    peer named     ─▶ X-Forwarded-For from its end: the first address that is no named proxy's; none: the peer
                      X-Forwarded-Proto: http or https

Anybody can write such headers, so without a name they are nothing. What stands in ``X-Forwarded-For`` before the first
address that is not a proxy's was written by who knows whom.

Source: RFC 7239, section 8.1, on the trust in such headers.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from moduline.errors import BadField, Text

_NO_NETWORK: Final = Text("'{given}' is no network such as 10.0.0.0/8", "“{given}” 不是网段，如 10.0.0.0/8")


@dataclass(frozen=True, slots=True)
class Proxies:
    """Networks whose word is taken.

    Args:
        networks: of IPv4 and IPv6.
    """

    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()

    @classmethod
    def of(cls, given: Iterable[str]) -> Proxies:
        """The networks of an operator's list.

        Raises:
            BadField: one is none.
        """
        networks = []
        for one in given:
            try:
                networks.append(ipaddress.ip_network(one.strip()))
            except ValueError:
                raise BadField(field="trusted_proxies", reason=_NO_NETWORK, given=one) from None
        return cls(tuple(networks))

    def know(self, address: str) -> bool:
        """Whether an address is of a named proxy."""
        if not self.networks:
            return False
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        return any(found in network for network in self.networks if network.version == found.version)

    def origin(self, peer: str, scheme: str, came_for: Sequence[str], came_by: Sequence[str]) -> tuple[str, str]:
        """Address and scheme that a request truly has.

        Args:
            peer: address at the other end of the connection.
            scheme: of the connection.
            came_for: every line of ``X-Forwarded-For``, in order.
            came_by: every line of ``X-Forwarded-Proto``, in order.
        """
        if not self.know(peer):
            return peer, scheme
        said = ",".join(came_by).rpartition(",")[2].strip().lower()
        named = [one.strip() for one in ",".join(came_for).split(",")]
        return self._first(named, peer), said if said in {"http", "https"} else scheme

    def _first(self, named: Sequence[str], peer: str) -> str:
        for one in reversed(named):
            try:
                ipaddress.ip_address(one)
            except ValueError:
                return peer
            if not self.know(one):
                return one
            peer = one
        return peer
