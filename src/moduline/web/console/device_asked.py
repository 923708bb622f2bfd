"""What the page of devices shows, as a value: read from the address of the page, and written into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Self

from moduline.web.console.linking import devices_with

YES: Final = "yes"
NO: Final = "no"
_CHOICES: Final = frozenset({"", YES, NO})


@dataclass(frozen=True, slots=True)
class Asked:
    """Which devices are wanted.

    Args:
        product: number; None: of all.
        q: whose key or number of the line begins so.
        online: ``yes``, ``no`` or "".
        enabled: likewise.
        version: of the module.
        tag: that have it.
        filter: in the language of plans.
        after: number of the last device of the page before.
    """

    product: int | None = None
    q: str = ""
    online: str = ""
    enabled: str = ""
    version: str = ""
    tag: str = ""
    filter: str = ""
    after: int = 0

    @classmethod
    def of_query(cls, query: Mapping[str, str]) -> Self:
        """From an address; what cannot be is as if it were not there."""
        product, after = query.get("product", ""), query.get("after", "")
        words = {name: query.get(name, "") for name in ("q", "version", "tag", "filter")}
        choices = {name: query.get(name, "") for name in ("online", "enabled")}
        return cls(
            product=_number(product) or None,
            after=_number(after),
            **words,
            **{name: one if one in _CHOICES else "" for name, one in choices.items()},
        )

    @property
    def address(self) -> str:
        """Address of the page that shows them."""
        return devices_with(**asdict(self) | {"after": self.after or None})

    @property
    def is_narrow(self) -> bool:
        """Whether anything but the product is asked."""
        return replace(self, product=None, after=0) != Asked()

    def query(self) -> dict[str, Any]:
        """As the operator API is asked; without the place in the list."""
        return {
            "product": self.product,
            "find": self.q.strip(),
            "is_online": {YES: True, NO: False}.get(self.online),
            "is_enabled": {YES: True, NO: False}.get(self.enabled),
            "version": self.version,
            "tag": self.tag,
            "filter": self.filter.strip(),
        }


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else 0
