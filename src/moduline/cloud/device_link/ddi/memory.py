"""What is believed of polling clients for a while, so that a poll without work costs no statement.

::

    (tenant, device, token) ──▶ who it is       until somebody changes device or product, at most a minute
    device ──▶ answer to its last poll          until device, product or a plan changes, or it has been away too long

Both are forgotten as soon as the audit log names the device or its product, on every node (see ``news``): a device
that was switched off, or a token that was taken back, counts for a second more at most. Steady seconds come in.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from typing import Final

from moduline.cloud.device_link.ddi.known import Client
from moduline.cloud.device_link.ddi.polling import Polled

WHO_S: Final = 60.0
"""How long it is believed who a client is."""
ANSWER_S: Final = 3600.0
"""How long it is believed that there is nothing for a device, whatever happens."""
MOST: Final = 200_000
"""Clients, and answers, that are remembered."""
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class _Who:
    client: Client
    until: float


@dataclass(slots=True)
class _Answer:
    product_id: int
    plans: int
    polled: Polled
    until: float
    away_at: float


class Memory:
    """Clients and answers of one node.

    Args:
        most: of each that are kept; the oldest go first.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._who: dict[Key, _Who] = {}
        self._keys: dict[int, set[Key]] = {}
        self._answers: dict[int, _Answer] = {}

    def client(self, key: Key, tick_s: float) -> Client | None:
        """Who comes with these words; None: to be looked up."""
        found = self._who.get(key)
        return found.client if found is not None and found.until >= tick_s else None

    def was_right(self, key: Key) -> bool:
        """Whether these words were right once, as far as is remembered."""
        return key in self._who

    def keep_client(self, key: Key, client: Client, tick_s: float) -> None:
        """Believe for a while who comes with these words."""
        while len(self._who) >= self._most:
            self._drop(next(iter(self._who)))
        self._who[key] = _Who(client, tick_s + WHO_S)
        self._keys.setdefault(client.device_id, set()).add(key)

    def answer(self, device_id: int, plans: int, tick_s: float, away_s: float) -> Polled | None:
        """What a poll of a device gave last, if it still holds; the device is seen by that.

        Args:
            plans: a number that changes with the plans of its product.
            away_s: so late it counts as gone, and has to be noted as come back.
        """
        found = self._answers.get(device_id)
        if found is None or found.plans != plans or tick_s >= min(found.until, found.away_at):
            return None
        found.away_at = tick_s + away_s
        return found.polled

    def keep_answer(self, client: Client, plans: int, polled: Polled, tick_s: float, away_s: float) -> None:
        """Believe for a while that a poll of a device gives this."""
        while len(self._answers) >= self._most:
            del self._answers[next(iter(self._answers))]
        made = _Answer(client.product_id, plans, polled, tick_s + ANSWER_S, tick_s + away_s)
        self._answers[client.device_id] = made

    def ask_again(self, device_id: int) -> None:
        """A device has said something: its next poll is looked up."""
        self._answers.pop(device_id, None)

    def forget(self, device_ids: Iterable[int] = (), product_ids: Iterable[int] = ()) -> None:
        """Somebody changed devices or products: who they are and what there is for them is looked up."""
        for device_id in device_ids:
            self._answers.pop(device_id, None)
            for key in self._keys.get(device_id, ()):
                self._who[key] = _Who(self._who[key].client, -inf)
        products = set(product_ids)
        if products:
            for key, one in self._who.items():
                if one.client.product_id in products:
                    self._who[key] = _Who(one.client, -inf)
            for number in [number for number, one in self._answers.items() if one.product_id in products]:
                del self._answers[number]

    def forget_all(self) -> None:
        """Too much has changed to say what."""
        self._who.clear()
        self._keys.clear()
        self._answers.clear()

    def _drop(self, key: Key) -> None:
        client = self._who.pop(key).client
        keys = self._keys[client.device_id]
        keys.discard(key)
        if not keys:
            del self._keys[client.device_id]
