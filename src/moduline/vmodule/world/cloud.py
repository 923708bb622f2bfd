"""QuecThing as one module meets it: the module's built-in client and a scripted platform, in one.

Where the world gives a real platform (``CloudPlan.server``, or a server of the script that the network reaches), the
module's SDK speaks to that one over its sockets and nothing below is used but ``real_server``.

::

    start ──connect_s──▶ devEvent(1, 0) ──▶ devEvent(2, 0) = online ──▶ messages, result of an update before
    otaRequest / push ──▶ otaPlan ──otaAction(1)──▶ module: download, restart, version compared when back
                             └──otaAction(0)──▶ refused        MCU: infoCB, then setMcuVer(target) decides

What the platform would have seen (status words of every component, what the script sent) is kept for the owner of
the virtual module: ``log`` and ``received``. The state of an update outlives restarts, as in the module's flash.

Modelled: the API's states and callbacks, plans pushed or asked for, module and MCU components, refusal, wrong source
and wrong target versions, a platform that refuses the module, time-outs of the URL (30 s) and of an MCU (20 min).
Not modelled: the bytes on the wire, script components of ``setAppVer`` (the version is reported, nothing is offered).

Source: device-api 13; ota-semantics 7.1, 11.5, 12.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from moduline.vmodule.interpreter import framing
from moduline.vmodule.interpreter.desk import Answer, DeskContext, Question, fact
from moduline.vmodule.world.clock import ModuleClock
from moduline.vmodule.world.cloud_plan import MCU_COMPONENT, MODULE_COMPONENT, CloudPlan, OtaItem, OtaOffer, server_of

URL_LIMIT_S: Final = 30.0
MCU_LIMIT_S: Final = 20 * 60.0
MAX_VERSIONS: Final = 16
ROUND_TRIP_S: Final = 0.05  # the platform's answer is on its way for so long
MAX_RECEIVED: Final = 1000
EVENT_NETWORK: Final = 1
EVENT_PLATFORM: Final = 2
ERROR_NETWORK: Final = -17921
VENDORS_SERVER: Final = "mqtts://iot-south.quectelcn.com:8883"
"""Where the SDK goes whose script names no server."""
ERROR_NO_PRODUCT: Final = -5892
ERROR_SIGNATURE: Final = -5894

STATUS: Final[Mapping[int, str]] = {
    0: "NOPLAN",
    1: "REVICEPLAN",
    2: "SUBMITOTA",
    3: "REFUSEDOTA",
    4: "DOWNLOADSTART",
    5: "DOWNLOADING",
    6: "DOWNLOADERROR",
    8: "DOWNLOADSUCCESS",
    9: "UPDATING",
    11: "UPDATESUCCESS",
    12: "UPDATEERROR",
}
"""Status codes and the words real devices send with them (spelt so)."""

Install = Callable[[str, Callable[[int], None]], Awaitable[bool]]
"""Downloads the package at a URL, reports percent, and makes the module restart into it; False when that failed."""


@dataclass(frozen=True, slots=True)
class Reported:
    """One status the platform saw.

    Attributes:
        at_s: module time since the world began.
        component: which component; empty for all of a plan.
        code: of ``STATUS``.
    """

    at_s: float
    component: str
    code: int


@dataclass(frozen=True, slots=True)
class Received:
    """One message of the script that reached the platform: what verb, its QoS mode, its content as text."""

    verb: str
    mode: int
    content: str


@dataclass(slots=True)
class _Update:
    """The one update a module can be in."""

    offer: OtaOffer
    items: list[OtaItem]
    status: int


class Cloud:
    """The platform's side and the client's memory; outlives restarts.

    Args:
        plan: what the platform says and when.
        clock: the module's time.
        has_data: whether the module has a data connection.
        install: upgrades the module's firmware from a URL; None refuses every package.
        reaches: whether bytes for a host and port go anywhere; None: nowhere.
    """

    def __init__(
        self,
        plan: CloudPlan,
        clock: ModuleClock,
        has_data: Callable[[], bool],
        install: Install | None = None,
        reaches: Callable[[str, int], bool] | None = None,
    ) -> None:
        self.plan = plan
        self.clock = clock
        self.has_data = has_data
        self.install = install
        self.reaches = reaches
        self.log: list[Reported] = []
        self.received: list[Received] = []
        self.versions: dict[str, str] = {}
        self.update: _Update | None = None
        self.over: set[int] = set()  # offers that are done or refused, by place in the plan
        self.begun_s: float | None = None  # first connection; pushes count from it

    def desk(self, context: DeskContext) -> CloudDesk:
        """Answers the ``Qth`` module of one interpreter child."""
        return CloudDesk(self, context)

    def real_server(self, url: str) -> str:
        """Which real platform a module goes to whose script names this one; empty for the scripted one."""
        place = server_of(url)
        is_reached = place is not None and self.reaches is not None and self.reaches(*place)
        is_named = url != VENDORS_SERVER or not self.plan.server  # it is what a script says that names none
        return url if is_reached and is_named else self.plan.server

    def report(self, component: str, code: int) -> None:
        """The module tells the platform how far it is; NOPLAN is never sent."""
        if code:
            self.log.append(Reported(self.clock.tick_s(), component, code))


class CloudDesk:
    """The built-in client of one life of the module's software."""

    def __init__(self, cloud: Cloud, context: DeskContext) -> None:
        self._cloud = cloud
        self._context = context
        self._is_started = self._is_online = False
        self._product = ("", "")
        self._timers: set[asyncio.TimerHandle] = set()
        self._running = 0  # counts starts, so that what an earlier start began is recognised

    @property
    def questions(self) -> Mapping[str, Question]:
        """What the ``Qth`` shim asks."""
        return {
            "qth_server": lambda call: (self._cloud.real_server(fact(call, "url", str)), b""),
            "qth_start": self._start,
            "qth_stop": self._stop,
            "qth_state": lambda _: (self._is_online, b""),
            "qth_reset": self._reset,
            "qth_version": self._version,
            "qth_send": self._send,
            "qth_ota_request": self._ota_request,
            "qth_ota_action": self._ota_action,
        }

    async def close(self) -> None:
        """The child has ended; updates that were decided go on in the module itself."""
        self._go_offline()

    # ---- connection ------------------------------------------------------------------------------------------------

    def _start(self, call: framing.Call) -> Answer:
        self._product = (fact(call, "product_key", str), fact(call, "product_secret", str))
        if not self._is_started:
            self._is_started = True
            self._running += 1
            self._later(self._cloud.plan.connect_s, self._connect)
        return True, b""

    def _connect(self) -> None:
        cloud, (key, secret) = self._cloud, self._product
        if not cloud.has_data():
            self._tell("event", EVENT_NETWORK, cloud.plan.network_result or ERROR_NETWORK)
            self._later(max(1.0, cloud.plan.connect_s), self._connect)
            return
        self._tell("event", EVENT_NETWORK, cloud.plan.network_result)
        if cloud.plan.network_result:
            return
        refusal = cloud.plan.platform_result
        if cloud.plan.product_key and key != cloud.plan.product_key:
            refusal = ERROR_NO_PRODUCT
        elif cloud.plan.product_secret and secret != cloud.plan.product_secret:
            refusal = ERROR_SIGNATURE
        self._is_online = not refusal
        self._tell("event", EVENT_PLATFORM, refusal)
        if self._is_online:
            self._online()

    def _online(self) -> None:
        cloud = self._cloud
        if cloud.begun_s is None:
            cloud.begun_s = cloud.clock.tick_s()
        self._settle()
        for message in cloud.plan.messages:
            value: object = message.text
            if message.kind == "tsl":
                value = [list(pair) for pair in message.values]
            elif message.kind == "read":
                value = list(message.ids)
            self._later(message.at_s, partial(self._tell, message.kind, value))
        for place, offer in enumerate(cloud.plan.offers):
            if offer.push_s is not None and place not in cloud.over:
                wait_s = offer.push_s - (cloud.clock.tick_s() - cloud.begun_s)
                self._later(max(0.0, wait_s), partial(self._offer, place))

    def _stop(self, call: framing.Call) -> Answer:
        del call
        self._go_offline()
        return True, b""

    def _reset(self, call: framing.Call) -> Answer:
        """Forget the device's secret: the platform tells, and the module authenticates anew."""
        del call
        was_online = self._is_online
        self._go_offline()
        if was_online:
            self._tell("event", 3, 0)
            self._is_started = True
            self._later(self._cloud.plan.connect_s, self._connect)
        return was_online, b""

    def _go_offline(self) -> None:
        self._is_started = self._is_online = False
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    # ---- messages and versions -------------------------------------------------------------------------------------

    def _send(self, call: framing.Call) -> Answer:
        verb, mode = fact(call, "verb", str)[:40], fact(call, "mode", int)
        if not self._is_online or mode not in {0, 1, 2}:
            return False, b""
        if len(self._cloud.received) < MAX_RECEIVED:
            self._cloud.received.append(Received(verb, mode, call.data.decode("utf-8", "replace")))
        return True, b""

    def _version(self, call: framing.Call) -> Answer:
        """A component's version is told; for an MCU in an update it decides how that ends."""
        component, version = fact(call, "component", str), fact(call, "version", str)
        cloud = self._cloud
        if component not in cloud.versions and len(cloud.versions) >= MAX_VERSIONS:
            return False, b""
        cloud.versions[component] = version
        item = self._current()
        if item is not None and item.component == component and item.component_type == MCU_COMPONENT:
            self._finish(item, is_good=version == item.target)
        return True, b""

    def _running_version(self, item: OtaItem) -> str | None:
        """What the module says that component has; None for an MCU nobody has told of."""
        if item.component_type == MODULE_COMPONENT:
            return self._context.facts.firmware_version
        return self._cloud.versions.get(item.component)

    def _name(self, item: OtaItem) -> str:
        return item.component or self._context.facts.model

    # ---- updates ---------------------------------------------------------------------------------------------------

    def _ota_request(self, call: framing.Call) -> Answer:
        del call
        if not self._is_online:
            return False, b""
        self._later(ROUND_TRIP_S, self._offer_any)
        return True, b""

    def _offer_any(self) -> None:
        for place in range(len(self._cloud.plan.offers)):
            if place not in self._cloud.over and self._offer(place):
                return

    def _offer(self, place: int) -> bool:
        """Send one plan if it fits the module; it is ignored unless the module is idle or has not answered yet."""
        cloud, offer = self._cloud, self._cloud.plan.offers[place]
        if place in cloud.over or (cloud.update is not None and cloud.update.status != 1):
            return False
        items = [item for item in offer.items if self._fits(item)]
        if not items:
            return False
        cloud.update = _Update(offer, items, 1)
        self._report(items[-1], 1)
        plans = [
            [one.component_type, self._name(one), one.source, one.target, one.battery, one.space, one.signal]
            for one in items
        ]
        self._tell("plan", plans)
        return True

    def _fits(self, item: OtaItem) -> bool:
        version = self._running_version(item)
        return version is not None and version != item.target and item.source in {"", version}

    def _ota_action(self, call: framing.Call) -> Answer:
        action, update = fact(call, "action", int), self._cloud.update
        if not self._is_online or update is None or update.status != 1 or action not in {0, 1}:
            return False, b""
        if action == 0:
            self._report(update.items[-1], 3)
            self._forget()
        else:
            update.status = 2
            self._report(update.items[-1], 2)
            self._later(0.0, self._begin_item)
        return True, b""

    def _current(self) -> OtaItem | None:
        """The component that is being updated."""
        update = self._cloud.update
        return update.items[0] if update is not None and update.status > 3 else None

    def _begin_item(self) -> None:
        update = self._cloud.update
        if update is None:
            return
        item = update.items[0]
        if not item.url:
            self._later(URL_LIMIT_S, lambda: self._finish(item, is_good=False))
            return
        self._step(item, 4)
        if item.component_type == MODULE_COMPONENT:
            self._context.spawn(self._install(item))
            return
        self._step(item, 8)
        self._step(item, 9)
        facts = [item.component, item.target, item.url, item.size_bytes, item.md5, item.crc]
        self._tell("info", *facts)
        self._later(MCU_LIMIT_S, lambda: self._finish_late(item))

    async def _install(self, item: OtaItem) -> None:
        last = 0

        def progress(percent: int) -> None:
            nonlocal last
            if percent >= last + 10:
                last = percent
                self._step(item, 5)

        install = self._cloud.install
        if install is None or not await install(item.url, progress):
            self._step(item, 6)
            self._finish(item, is_good=False)
            return
        self._step(item, 8)
        self._step(item, 9)  # the module restarts now; the next connection settles it

    def _settle(self) -> None:
        """After a connection: how did the update end that restarted the module?"""
        item = self._current()
        if item is None or item.component_type != MODULE_COMPONENT:
            return
        self._finish(item, is_good=self._running_version(item) == item.target)

    def _finish_late(self, item: OtaItem) -> None:
        if self._current() is item:
            self._finish(item, is_good=False)

    def _finish(self, item: OtaItem, *, is_good: bool) -> None:
        update = self._cloud.update
        if update is None or not update.items or update.items[0] is not item:
            return
        self._report(item, 11 if is_good else 12)
        verb = "result" if item.component_type == MCU_COMPONENT else "fota_result"
        self._tell(verb, self._name(item), is_good)
        update.items.pop(0)
        if not is_good or not update.items:
            self._forget()
        else:
            update.status = 2
            self._later(0.0, self._begin_item)

    def _forget(self) -> None:
        update = self._cloud.update
        if update is not None:
            self._cloud.over.add(self._cloud.plan.offers.index(update.offer))
            self._cloud.update = None

    def _step(self, item: OtaItem, code: int) -> None:
        if self._cloud.update is not None:
            self._cloud.update.status = code
        self._report(item, code)

    def _report(self, item: OtaItem, code: int) -> None:
        self._cloud.report(self._name(item), code)

    # ---- time and callbacks ----------------------------------------------------------------------------------------

    def _tell(self, verb: str, *values: object) -> None:
        self._context.report("qth", [verb, *values])

    def _later(self, seconds: float, work: Callable[[], object]) -> None:
        def fire() -> None:
            self._timers.discard(handle)
            work()

        handle = self._cloud.clock.call_later(seconds, fire)
        self._timers.add(handle)
