"""The world of one module: everything outside its flash and its ports, and what answers scripts about it.

The world is made once with the module and outlives power cycles; what a soft reset forgets lives in the desks.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from moduline.vmodule.interpreter.desk import MakeDesk
from moduline.vmodule.world.bench import Bench
from moduline.vmodule.world.bench_desk import BenchDesk
from moduline.vmodule.world.bench_plan import BenchPlan
from moduline.vmodule.world.clock import ModuleClock
from moduline.vmodule.world.cloud import Cloud
from moduline.vmodule.world.cloud_plan import CloudPlan
from moduline.vmodule.world.network import Network
from moduline.vmodule.world.network_plan import NetworkPlan
from moduline.vmodule.world.radio import REGISTERED, News, Radio
from moduline.vmodule.world.radio_desk import RadioDesk
from moduline.vmodule.world.radio_plan import RadioPlan
from moduline.vmodule.world.secure_area import SecureArea
from moduline.vmodule.world.socket_desk import SocketDesk
from moduline.vmodule.world.timing import timing_desks
from moduline.vmodule.world.updates import UpdatePlan, Updates

WOKEN_BY_KEY: Final = 1
WOKEN_BY_ALARM: Final = 4


@dataclass(slots=True)
class World:
    """One module's surroundings.

    Attributes:
        clock: its time.
        seed: decides what is left to chance.
        radio_plan: what SIM, cell, packet network and battery are like.
        radio: all that, alive; the AT port and the scripts read and change it.
        cloud_plan: what the scripted QuecThing platform says and when.
        cloud: that platform, with what it saw of the module.
        network_plan: which hosts there are and how they are reached.
        network: the module's way to them; sockets, downloads and the cloud use it.
        bench_plan: what is wired to pins, buses and UARTs.
        bench: all that, alive.
        has_supply: the module is supplied, switched on or not.
        secure: records that a download of firmware leaves alone.
        update_plan: which firmware updates the module trusts.
        updates: its update service, behind ``fota``.
    """

    clock: ModuleClock = field(default_factory=ModuleClock)
    seed: int = 0
    radio_plan: RadioPlan = field(default_factory=RadioPlan)
    radio: Radio = field(init=False)
    cloud_plan: CloudPlan = field(default_factory=CloudPlan)
    cloud: Cloud = field(init=False)
    network_plan: NetworkPlan = field(default_factory=NetworkPlan)
    network: Network = field(init=False)
    bench_plan: BenchPlan = field(default_factory=BenchPlan)
    bench: Bench = field(init=False)
    has_supply: bool = field(init=False, default=False)
    secure: SecureArea = field(default_factory=SecureArea)
    update_plan: UpdatePlan = field(default_factory=UpdatePlan)
    updates: Updates = field(init=False)

    def __post_init__(self) -> None:
        """Wire the parts to each other."""
        self.radio = Radio(self.radio_plan, self.clock, self.seed)
        self.bench = Bench(self.bench_plan, self.clock)
        chance = random.Random(f"network/{self.seed}")  # noqa: S311 - lost datagrams, no secret
        address = self.radio_plan.data.address
        self.network = Network(self.network_plan, self.clock, lambda: self.radio.has_data, chance, address)
        self.radio.subscribe(self._on_radio)
        self.updates = Updates(self.update_plan, self.clock, self.network.connect)
        install, reaches = self.updates.install, self.network.reaches
        self.cloud = Cloud(self.cloud_plan, self.clock, lambda: self.radio.has_data, install, reaches)

    def attend(self, folder: Path, wake: Callable[[int], None]) -> None:
        """Belong to a module: keep the RTC in its folder, and switch it on where its key or its alarm does.

        Args:
            folder: of the module.
            wake: gets the reason, as ``Power.powerOnReason()`` counts it; only called while there is a supply.

        Raises:
            StorageFailed: the RTC's file cannot be read or written.
        """
        self.clock.rtc.keep_in(folder / "rtc.json")
        self.clock.rtc.wake = lambda: wake(WOKEN_BY_ALARM) if self.has_supply else None
        self.bench.wake = lambda: wake(WOKEN_BY_KEY) if self.has_supply else None

    def lose_supply(self) -> None:
        """The module has lost its supply."""
        self.has_supply = False
        self.clock.rtc.lose_supply()

    def close(self) -> None:
        """The module is put away: nothing happens by itself any more, the RTC is kept.

        Raises:
            StorageFailed: the RTC's file cannot be written.
        """
        self.network.data_lost()
        self.bench.close()
        self.radio.close()
        self.clock.rtc.close()

    def _on_radio(self, news: News) -> None:
        if news.kind == "registration" and self.radio.registration in REGISTERED:
            self.clock.rtc.set_to(self.clock.true_s())  # NITZ
        if news.kind == "data" and not self.radio.has_data:
            self.network.data_lost()

    def desks(self) -> tuple[MakeDesk, ...]:
        """What answers the questions of scripts; see ``interpreter.desk``. Asked for at each power-on, which is now."""
        self.has_supply = True
        self.bench.power_on()
        return (
            partial(RadioDesk, self.radio),
            self.cloud.desk,
            partial(SocketDesk, self.network),
            timing_desks(self.clock),
            partial(BenchDesk, self.bench),
            self.secure.desk,
            self.updates.desk,
        )
