"""The bus between machines: NATS, requests and news, nothing kept on the way.

::

    PREFIX.v1.uplink             queue group "workers": one worker gets each question, its answer means kept
    PREFIX.v1.downlink.NODE      to the gateway that has the device
    PREFIX.v1.drop.NODE

What a device said stays with the device until the database has it, so nothing here needs to be durable: a question
that is lost, or whose answer is, fails at its asker, the connection of that device ends without acknowledgement, and
the device says it again (decision 0027). ``v1`` is the version of ``crossing``: nodes that do not understand each
other do not hear each other.

Back pressure: a worker takes `MOST` questions at once and lets `WAITING` wait; what comes beyond is not answered. A
gateway reads no more from a device that has 32 messages unanswered.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import nats
from nats import errors as faults
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from moduline.cloud.bus import Answers, Codec, Hears
from moduline.errors import BadOption, BusUnreachable, ModulineError, Text
from moduline.events import Notice, Reporter, silent

PREFIX: Final = "moduline"
VERSION: Final = "v1"
GROUP: Final = "workers"
ASK_S: Final = 10.0
"""How long a question may take; a device waits longer than that for its acknowledgement."""
CONNECT_S: Final = 15.0
"""How long the first connection may take, all servers together."""
AGAIN_S: Final = 0.1
"""Between two tries of a question that nobody was there to take."""
STOP_S: Final = 10.0
MOST: Final = 1024
WAITING: Final = 8192
_WAITING_BYTES: Final = 64 * 1024 * 1024
_KEPT: Final = b"+"
_FAILED: Final = b"-"
_SILENT: Final = Text("no answer within {seconds} s", "{seconds} 秒内没有应答")
_BROKE: Final = Text("the connection broke before the answer", "应答之前连接中断")
_CLOSED: Final = Text("not connected", "未连接")


class NatsBus:
    """One node's place on the bus.

    Args:
        servers: URLs of the NATS servers, separated by commas; any one is enough.
        node: name of this node.
        codecs: of every subject.
        prefix: what all subjects begin with; two platforms may share servers.
        ask_s: how long a question may take.
        report: hears of ``bus.lost``, ``bus.back``, ``bus.refused`` (a message of another version, or a broken one),
            ``bus.unsent``.

    Raises:
        BadOption: the servers cannot be meant.
    """

    is_local: bool = False

    def __init__(
        self,
        servers: str,
        node: str,
        codecs: Mapping[str, Codec],
        *,
        prefix: str = PREFIX,
        ask_s: float = ASK_S,
        report: Reporter = silent,
    ) -> None:
        self._servers = read_servers(servers)
        self._node = node
        self._codecs = codecs
        self._prefix = f"{prefix}.{VERSION}"
        self._ask_s = ask_s
        self._report = report
        self._name = ", ".join(_without_password(one) for one in self._servers)
        self._answers: dict[str, Answers] = {}
        self._hears: dict[str, Hears] = {}
        self._line = Client()
        self._is_up = asyncio.Event()
        self._breaks = 0
        self._asking: set[asyncio.Future[Msg]] = set()
        self._room = asyncio.Semaphore(MOST)
        self._answering: set[asyncio.Task[None]] = set()
        self._questions: list[Subscription] = []

    def answer(self, subject: str, answers: Answers) -> None:
        """Answer questions of a subject, as one of the workers; before `start`."""
        self._answers[subject] = answers

    def listen(self, subject: str, hears: Hears) -> None:
        """Hear the news of a subject that are for this node; before `start`."""
        self._hears[subject] = hears

    async def start(self) -> None:
        """Connect.

        Raises:
            BusUnreachable: no server answers.
        """
        try:
            async with asyncio.timeout(CONNECT_S):
                self._line = await nats.connect(
                    self._servers,
                    name=f"moduline {self._node}",
                    connect_timeout=2,
                    reconnect_time_wait=0,  # another server at once; `_failed` waits where none answers
                    max_reconnect_attempts=-1,
                    ping_interval=5,
                    max_outstanding_pings=2,
                    disconnected_cb=self._down,
                    reconnected_cb=self._up,
                    error_cb=self._failed,
                )
        except (OSError, TimeoutError, faults.Error) as cause:
            raise BusUnreachable(bus=self._name, reason=_CLOSED) from cause
        self._is_up.set()
        for subject, hears in self._hears.items():
            await self._line.subscribe(
                f"{self._prefix}.{subject}.{_token(self._node)}", cb=self._hearing(subject, hears)
            )
        await self.serve()

    async def serve(self) -> None:
        """Begin to answer; nothing where this node answers nothing."""
        for subject, answers in self._answers.items():
            taken = await self._line.subscribe(
                f"{self._prefix}.{subject}",
                queue=GROUP,
                cb=self._taking(subject, answers),
                pending_msgs_limit=WAITING,
                pending_bytes_limit=_WAITING_BYTES,
            )
            self._questions.append(taken)
        await self._line.flush()

    async def stop(self) -> None:
        """Take no more questions, answer those that were taken, disconnect."""
        if not self._line.is_connected:
            await self._line.close()
            return
        with contextlib.suppress(TimeoutError, faults.Error):
            async with asyncio.timeout(STOP_S):
                for one in self._questions:
                    await one.drain()  # type: ignore[no-untyped-call]
                while self._answering:
                    await asyncio.wait(self._answering)
                await self._line.flush()
        await self._line.close()

    async def ask(self, subject: str, value: object) -> None:
        """Returns when one of the workers has kept it.

        Raises:
            BusUnreachable: nobody has, or nobody said so: it may be kept all the same.
        """
        data = self._codecs[subject].write(value)
        try:
            async with asyncio.timeout(self._ask_s):
                said = await self._answer_to(f"{self._prefix}.{subject}", data)
        except (TimeoutError, faults.TimeoutError) as late:
            raise BusUnreachable(bus=self._name, reason=_SILENT, seconds=self._ask_s) from late
        except faults.Error as fault:
            raise BusUnreachable(bus=self._name, reason=str(fault) or type(fault).__name__) from fault
        if said != _KEPT:
            raise BusUnreachable(bus=self._name, reason=said[1:].decode("utf-8", "replace"))

    async def tell(self, subject: str, value: object, to: str) -> None:
        """Tell a node; what cannot be sent is lost, which the rules allow for.

        Raises:
            BadOption: the value has no bytes.
        """
        data = self._codecs[subject].write(value)
        try:
            await self._line.publish(f"{self._prefix}.{subject}.{_token(to)}", data)
        except faults.Error as fault:
            self._report(Notice("bus.unsent", to, {"subject": subject, "error": f"{type(fault).__name__}: {fault}"}))

    # -- asking

    async def _answer_to(self, subject: str, data: bytes) -> bytes:
        while True:
            await self._is_up.wait()
            breaks = self._breaks
            asked = asyncio.ensure_future(self._line.request(subject, data, timeout=self._ask_s + 1.0))
            self._asking.add(asked)
            try:
                return (await asked).data
            except faults.NoRespondersError:  # nobody has heard it
                await asyncio.sleep(AGAIN_S)
            except asyncio.CancelledError:
                if breaks == self._breaks:
                    raise
                raise BusUnreachable(bus=self._name, reason=_BROKE) from None
            finally:
                self._asking.discard(asked)

    # -- answering and hearing

    def _taking(self, subject: str, answers: Answers) -> Any:
        async def take(message: Msg) -> None:
            await self._room.acquire()
            task = asyncio.get_running_loop().create_task(self._answer(subject, answers, message))
            self._answering.add(task)
            task.add_done_callback(self._answered)

        return take

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._answering.discard(task)
        self._room.release()

    async def _answer(self, subject: str, answers: Answers, message: Msg) -> None:
        try:
            async with asyncio.timeout(self._ask_s):  # then nobody waits for it, and the writer passes it over
                await answers(self._codecs[subject].read(message.data))
            said = _KEPT
        except TimeoutError:
            said = _FAILED + b"too late"
        except ModulineError as failure:
            said = _FAILED + failure.message().encode("utf-8", "replace")
        except Exception as failure:  # noqa: BLE001  the asker gets it; a worker outlives every question
            self._report(Notice("bus.refused", subject, {"error": f"{type(failure).__name__}: {failure}"}))
            said = _FAILED + type(failure).__name__.encode()
        with contextlib.suppress(faults.Error):  # then the asker hears nothing, and the device says it again
            await message.respond(said)

    def _hearing(self, subject: str, hears: Hears) -> Any:
        async def hear(message: Msg) -> None:
            try:
                await hears(self._codecs[subject].read(message.data))
            except Exception as failure:  # noqa: BLE001  news of one message must not end all others; recorded
                self._report(Notice("bus.refused", subject, {"error": f"{type(failure).__name__}: {failure}"}))

        return hear

    # -- what the client of NATS calls

    async def _down(self) -> None:
        """The connection broke: who waits for an answer will not get it."""
        self._is_up.clear()
        self._breaks += 1
        for one in list(self._asking):
            one.cancel()
        if not self._line.is_closed:
            self._report(Notice("bus.lost", self._node, {"bus": self._name}))

    async def _up(self) -> None:
        self._is_up.set()
        self._report(Notice("bus.back", self._node, {"bus": self._name}))

    async def _failed(self, fault: Exception) -> None:
        if isinstance(fault, faults.SlowConsumerError):
            self._report(Notice("bus.refused", fault.subject, {"error": "SlowConsumerError"}))
        elif isinstance(fault, OSError | asyncio.TimeoutError) and not self._is_up.is_set():
            await asyncio.sleep(AGAIN_S)  # before the next server is tried


def read_servers(text: str) -> list[str]:
    """URLs of NATS servers from one option.

    Raises:
        BadOption: one of them is none.
    """
    found = [one.strip() for one in text.split(",") if one.strip()]
    for one in found:
        parts = urlsplit(one)
        try:
            is_good = parts.scheme in {"nats", "tls"} and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            is_good = False
        if not is_good:
            reason = Text("nats://HOST:PORT, several separated by commas", "须为 nats://主机:端口，多个地址用逗号分隔")
            raise BadOption(name="--nats", reason=reason)
    if not found:
        raise BadOption(name="--nats", reason=Text("no server", "没有服务器"))
    return found


def _token(node: str) -> str:
    """A node's name as one part of a subject."""
    return node.replace(".", "%")


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
