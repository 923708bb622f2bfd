"""The gate in front of passwords: how often one may be tried, and how many are compared at the same time.

::

    name, address ─▶ Gate.knocks ─▶ two threads, a short queue ─▶ right: Gate.lets_in / wrong: the try stays counted

A try counts from the moment it begins, so a hundred at the same time are no way round. Four are free; from the fifth on
each has to wait, one second, two, four, up to a minute, and nothing is ever locked. Tries are counted

* by account, whoever comes, but for
* an account and an address from which its owner came in before, which are counted by themselves: who guesses from
  elsewhere does not keep the owner out;
* by address, but for those of this machine, where a proxy or the console speaks for many.

All of it is in memory and bounded: who has been quiet longest is forgotten first.
"""

from __future__ import annotations

import asyncio
import ipaddress
import math
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from moduline.cloud.accounts import passwords
from moduline.errors import TooManyTries

T = TypeVar("T")
FREE: Final = 4
"""Wrong tries without waiting."""
MOST_WAIT_S: Final = 60.0
FORGOTTEN_S: Final = 3600.0
"""So long after the last wrong one a peer begins anew."""
KEPT: Final = 10_000
"""Accounts and addresses that are remembered."""
TOGETHER: Final = 2
"""Passwords that are compared at the same time: 32 MB each."""
WAITING: Final = 30
"""So many more wait for their turn: some four seconds."""
NOTED: Final = 30
"""Wrong tries that the audit log gets in ``NOTED_S``: it is never cut, so nobody fills it."""
NOTED_S: Final = 60.0


@dataclass(slots=True)
class _Tries:
    count: int = 0
    until: float = 0.0
    last: float = 0.0


class Gate:
    """Who may try a password now; one for a process.

    Args:
        threads: that compare passwords.
        waiting: tries that wait for one of them.
    """

    def __init__(self, threads: int = TOGETHER, waiting: int = WAITING) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="password")
        self._places = threading.BoundedSemaphore(threads + waiting)
        self._tries: OrderedDict[Hashable, _Tries] = OrderedDict()
        self._known: OrderedDict[Hashable, None] = OrderedDict()
        self._noted: list[float] = []

    def knocks(self, name: str, address: str, now: float) -> None:
        """Count a try that begins.

        Args:
            name: of the account, as it was typed.
            address: of the peer.
            now: seconds of a clock that is only compared with itself.

        Raises:
            TooManyTries: it has to wait; nothing is counted then.
        """
        keys = self._keys(name, address)
        wait = max((self._until(key, now) - now for key in keys), default=0.0)
        if wait > 0:
            raise TooManyTries(retry_s=math.ceil(wait))
        for key in keys:
            tries = self._tries.setdefault(key, _Tries())
            tries.count += 1
            tries.last = now
            if tries.count > FREE:
                tries.until = now + min(MOST_WAIT_S, 2.0 ** (tries.count - FREE - 1))
            self._tries.move_to_end(key)
        while len(self._tries) > KEPT:
            self._tries.popitem(last=False)

    def lets_in(self, name: str, address: str) -> None:
        """The password was right: the tries of this peer are forgotten."""
        for key in self._keys(name, address):
            self._tries.pop(key, None)
        pair = (_folded(name), address)
        self._known[pair] = None
        self._known.move_to_end(pair)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)

    def forgets(self, name: str) -> None:
        """An account has a new password: nobody is known by the old one, and nobody waits for it."""
        folded = _folded(name)
        self._tries.pop(("account", folded), None)
        for pair in [one for one in self._known if isinstance(one, tuple) and one[0] == folded]:
            del self._known[pair]

    def may_note(self, now: float) -> bool:
        """Whether the audit log is to get one more wrong try."""
        self._noted = [one for one in self._noted if now - NOTED_S < one <= now]
        if len(self._noted) >= NOTED:
            return False
        self._noted.append(now)
        return True

    async def is_right(self, password: str, kept: str) -> bool:
        """Whether a password is right; in a thread.

        Raises:
            TooManyTries: too many wait for that.
        """
        return await self._work(passwords.is_right, password, kept)

    async def made(self, password: str) -> str:
        """What is kept of a new password; in a thread.

        Raises:
            TooManyTries: too many wait for that.
        """
        return await self._work(passwords.made, password, secrets.token_bytes(passwords.SALT_BYTES))

    async def _work(self, function: Callable[..., T], *args: Any) -> T:
        if not self._places.acquire(blocking=False):
            raise TooManyTries(retry_s=1)
        future = self._pool.submit(function, *args)
        future.add_done_callback(lambda _: self._places.release())
        return await asyncio.shield(asyncio.wrap_future(future))  # a peer that goes frees no thread

    def _keys(self, name: str, address: str) -> list[Hashable]:
        folded = _folded(name)
        if (folded, address) in self._known:
            return [("known", folded, address)]
        keys: list[Hashable] = [("account", folded)]
        if not is_here(address):
            keys.append(("address", _network(address)))
        return keys

    def _until(self, key: Hashable, now: float) -> float:
        tries = self._tries.get(key)
        if tries is None:
            return 0.0
        if not tries.last <= now < tries.last + FORGOTTEN_S:  # long ago, or the clock was set back
            del self._tries[key]
            return 0.0
        return tries.until


def is_here(address: str) -> bool:
    """Whether an address is of this machine."""
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _folded(name: str) -> str:
    return name[:200].casefold()


def _network(address: str) -> str:
    """What one peer can have many of counts as one: the /64 of an IPv6 address."""
    try:
        number = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:60]
    if isinstance(number, ipaddress.IPv6Address):
        return str(number.ipv4_mapped or ipaddress.ip_network((number, 64), strict=False))
    return str(number)
