"""Between the gateway and the rules: who may come in, what was heard, what is to be said.

::

    gateway ──▶ GatewayDesk ──ask(UPLINK)──▶ WorkDesk ── one transaction ──▶ upgrades.service
    gateway ◀── GatewayDesk ◀─tell(DOWNLINK)─ WorkDesk ◀── Downlinks, after the commit

The two halves meet only on the bus, so that they can live on different machines. News go to the node that the row of
a device names. The same question may come twice (its answer was lost) and late (the device has said it again to
another worker meanwhile): numbers of connections and the tables of states make both harmless.

Source: ota-semantics 11.1, 12 (traps 1 to 3).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from sqlalchemy import Connection, select

from moduline.clock import Clock
from moduline.cloud import tables
from moduline.cloud.bus import DOWNLINK, DROP, UPLINK, Bus
from moduline.cloud.db import Database
from moduline.cloud.device_link import translate
from moduline.cloud.device_link.crossing import Drop, Heard, Post
from moduline.cloud.device_link.files import address
from moduline.cloud.device_link.keeping import keep
from moduline.cloud.device_link.platform import (
    Admitted,
    Busy,
    CameOnline,
    Contact,
    Refused,
    Undelivered,
    Unreadable,
    Uplink,
    Verdict,
)
from moduline.cloud.devices import contact as devices
from moduline.cloud.devices.device import Denied, Known
from moduline.cloud.products import Product
from moduline.cloud.products import service as products
from moduline.cloud.upgrades.offer import SayUrl
from moduline.cloud.upgrades.rows import Downlink
from moduline.errors import ModulineError, StateForbids, Text
from moduline.events import Notice, Reporter
from moduline.wire.quecthing import credentials
from moduline.wire.quecthing.credentials import (
    DEVICE_PREFIX,
    LONGEST_DK,
    LONGEST_PK,
    DeviceName,
    FirstPassword,
    RefusalCode,
)
from moduline.wire.quecthing.messages import Message
from moduline.wire.quecthing.ota_messages import SHA256_WANTED
from moduline.wire.quecthing.session_key import KEY_BYTES

_REFUSALS: Final = {
    Denied.DK_ILLEGAL: RefusalCode.BAD_DEVICE_KEY,
    Denied.ALREADY: RefusalCode.ALREADY_AUTHENTICATED,
    Denied.UNKNOWN: RefusalCode.UNKNOWN_PRODUCT,
}
_WISHES: Final = select(
    tables.devices.c.id,
    tables.devices.c.node,
    tables.devices.c.connection,
    tables.products.c.scheme,
    tables.devices.c.facts,
).join_from(tables.devices, tables.products)
_PAST: Final = Text("has come on another connection since", "设备已建立新的连接")
_POSTS: Final = 256
"""Messages that one news carries at most; the bus takes a megabyte."""


class Sends(Protocol):
    """As much of a gateway as the desk needs."""

    def send(self, device: int, message: Message, packet_id: int | None = None) -> bool:
        """Says something to a device; False: it is not here."""

    def is_on(self, device: int, number: int) -> bool:
        """Whether a device is here on the connection of that number."""

    def drop(self, device: int, before: int | None = None) -> bool:
        """Ends the connection of a device."""


class GatewayDesk:
    """The platform as a gateway sees it.

    Args:
        db: where devices are known.
        bus: where what they say goes.
        node: name of this process.
        clock: wall clock.
    """

    def __init__(self, db: Database, bus: Bus, node: str, clock: Clock) -> None:
        self._db = db
        self._bus = bus
        self._node = node
        self._clock = clock

    async def authenticate(self, contact: Contact) -> Verdict:
        """Whether a device may come in; one that proves the secret of its product is made known."""
        found = await self._db.read_soon(_looked_up, contact)
        if found is None:
            return Refused(RefusalCode.UNKNOWN_PRODUCT)
        name, product, ps, device = found
        password = contact.password
        key = secrets.token_bytes(KEY_BYTES) if credentials.wants_encryption(password) else None
        if isinstance(password, FirstPassword):
            code = credentials.check_first(password, name, ps)
            if code is not None:
                return Refused(code)
            is_first_only = product.settings.is_first_only
            issued = await self._db.write_soon(
                devices.authenticate, product.id, name.dk, is_first_only=is_first_only, now=self._clock.now_s()
            )
            if isinstance(issued, Denied):
                return Refused(_REFUSALS[issued]) if issued in _REFUSALS else Busy()
            return Admitted(issued.device_id, issued.ds, key)
        if device is None or not device.ds or credentials.check_later(password, device.ds, ps) is not None:
            return Refused(RefusalCode.BAD_DIGEST)
        return Admitted(device.device_id, None, key) if device.is_enabled else Busy()

    async def uplink(self, uplink: Uplink) -> None:
        """Hands on what happened; returns when it is kept."""
        await self._bus.ask(UPLINK, Heard(self._node, uplink))

    def serve(self, gateway: Sends, report: Reporter) -> None:
        """Have the gateway say what the bus brings."""

        async def say(posts: Sequence[Post]) -> None:
            for post in posts:
                if post.connection is not None and not gateway.is_on(post.device_id, post.connection):
                    continue  # it has come again since, and says where it stands
                try:
                    gateway.send(post.device_id, post.message)
                except ModulineError as failure:
                    report(_unsayable(post, failure))

        async def drop(wanted: Drop) -> None:
            gateway.drop(wanted.device_id, wanted.before)

        self._bus.listen(DOWNLINK, say)
        self._bus.listen(DROP, drop)


class WorkDesk:
    """Where what devices say becomes rows, and what the rules say becomes messages.

    Args:
        db: of the platform.
        bus: to the gateways.
        device_url: what the addresses of files begin with, by the scheme of the product.
        report: hears of messages that could not be read or delivered.
    """

    def __init__(self, db: Database, bus: Bus, device_url: Callable[[str], str], report: Reporter) -> None:
        self._db = db
        self._bus = bus
        self._device_url = device_url
        self._report = report

    def serve(self) -> None:
        """Answer gateways."""
        self._bus.answer(UPLINK, self.hear)

    async def hear(self, heard: Heard) -> None:
        """Keep what happened to a device, then say what the rules want said.

        Promised to the gateway: this returns when it is committed, and raises when it may not be; only then the device
        gets its acknowledgement. Calls run at the same time; those of one connection come one after the other.
        """
        event = heard.uplink.event
        if isinstance(event, Unreadable):
            self._note("ota.unreadable", heard, event.topic, event.reason.say("en"))
        elif isinstance(event, Undelivered):
            self._note("ota.undelivered", heard, type(event.message).__name__, "")
        else:
            before = await self._node_before(heard)
            said = await self._db.write_soon(keep, heard.node, heard.uplink)
            if said is None:
                raise StateForbids(kind="device", name=str(heard.uplink.device), reason=_PAST)
            await self.deliver(said, heard)
            if before is not None:
                await self._bus.tell(DROP, Drop(heard.uplink.device, heard.uplink.connection), before)

    async def deliver(self, said: Sequence[Downlink], heard: Heard | None = None) -> None:
        """Say to devices what a transaction gave, after it.

        Args:
            said: what.
            heard: what led to it; its device is still where it was heard.
        """
        if not said:
            return
        asked = {one.device_id for one in said if isinstance(one.say, SayUrl)}
        here = set() if heard is None else {heard.uplink.device}
        if not self._bus.is_local:
            asked |= {one.device_id for one in said} - here
        found = await self._db.read_soon(wishes_of, asked) if asked else {}
        posts: dict[str, list[Post]] = {}
        said = [one for one in said if not _has_come_again(one, found)]
        for post in posts_of(said, found, self._device_url):
            wish = found.get(post.device_id)
            if heard is not None and post.device_id in here:
                node, number = heard.node, heard.uplink.connection
            elif wish is not None and wish.node is not None:
                node, number = wish.node, wish.connection
            elif self._bus.is_local:
                node, number = "", None
            else:
                continue
            if node != devices.POLLING:
                posts.setdefault(node, []).append(replace(post, connection=number))
        for node, mine in posts.items():
            for begin in range(0, len(mine), _POSTS):
                await self._post(tuple(mine[begin : begin + _POSTS]), node)

    async def _post(self, posts: tuple[Post, ...], node: str) -> None:
        """Tell a node; one message that cannot be written must not keep the others back."""
        try:
            await self._bus.tell(DOWNLINK, posts, node)
        except ModulineError as failure:
            if len(posts) > 1:
                for post in posts:
                    await self._post((post,), node)
            else:
                self._report(_unsayable(posts[0], failure))

    async def drop(self, device_id: int) -> None:
        """End the connection of a device, wherever it is."""
        node = None if self._bus.is_local else await self._db.read_soon(devices.node_of, device_id)
        if self._bus.is_local or node is not None:
            await self._bus.tell(DROP, Drop(device_id), node or "")

    async def _node_before(self, heard: Heard) -> str | None:
        """Another node that has a device which has come online here."""
        if self._bus.is_local or not isinstance(heard.uplink.event, CameOnline):
            return None
        node = await self._db.read_soon(devices.node_of, heard.uplink.device)
        return None if node in {heard.node, devices.POLLING} else node

    def _note(self, slug: str, heard: Heard, what: str, reason: str) -> None:
        self._report(Notice(slug, str(heard.uplink.device), {"what": what, "reason": reason}))


def _has_come_again(one: Downlink, wishes: Mapping[int, Wish]) -> bool:
    """Whether a device has a later connection than the one that something was meant for."""
    wish = wishes.get(one.device_id)
    return one.connection is not None and wish is not None and wish.connection != one.connection


def _unsayable(post: Post, failure: ModulineError) -> Notice:
    return Notice("ota.unsayable", str(post.device_id), {"error": failure.message(), "code": failure.code})


@dataclass(frozen=True, slots=True)
class Wish:
    """Where a device is, and how it wants its files.

    Args:
        node: None: it is offline.
        connection: number of the last connection.
        scheme: of addresses.
        wants_sha256: not MD5.
    """

    node: str | None
    connection: int
    scheme: str
    wants_sha256: bool


def wishes_of(conn: Connection, device_ids: Collection[int]) -> dict[int, Wish]:
    """What is to be known of devices before they are told something."""
    found = conn.execute(_WISHES.where(tables.devices.c.id.in_(device_ids)))
    return {
        row.id: Wish(row.node, row.connection, row.scheme, row.facts.get(translate.DIGEST_FACT) == SHA256_WANTED)
        for row in found
    }


def posts_of(
    said: Sequence[Downlink], wishes: Mapping[int, Wish], device_url: Callable[[str], str]
) -> tuple[Post, ...]:
    """What is written on the wire."""
    made = []
    for one in said:
        wish = wishes.get(one.device_id, _NO_WISH)
        message = translate.message_of(one, address(device_url(wish.scheme), ""), wants_sha256=wish.wants_sha256)
        if message is not None:
            made.append(Post(one.device_id, message))
    return tuple(made)


_NO_WISH: Final = Wish(None, 0, "", wants_sha256=False)


def _looked_up(conn: Connection, contact: Contact) -> tuple[DeviceName, Product, str, Known | None] | None:
    """Whose contact it is: names, product with its secret, and the device if it says that it has a secret."""
    keys = _possible_keys(contact.client_id)
    known = {one.pk: (one, ps) for one, ps in products.by_keys(conn, keys)}
    name = credentials.split_client_id(contact.client_id, known)
    if name is None:
        return None
    is_first = isinstance(contact.password, FirstPassword)
    return name, *known[name.pk], None if is_first else devices.credentials(conn, name.pk, name.dk)


def _possible_keys(client_id: str) -> tuple[str, ...]:
    """Product keys that a client id may begin with."""
    rest = client_id.removeprefix(DEVICE_PREFIX)
    return tuple(rest[:cut] for cut in range(max(1, len(rest) - LONGEST_DK), min(len(rest), LONGEST_PK + 1)))
