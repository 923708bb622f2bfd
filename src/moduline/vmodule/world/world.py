"""The world of one module: everything outside its flash and its ports, and what answers scripts about it.

The world is made once with the module and outlives power cycles; what a soft reset forgets lives in the desks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from moduline.vmodule.interpreter.desk import MakeDesk
from moduline.vmodule.world.clock import ModuleClock
from moduline.vmodule.world.cloud import Cloud
from moduline.vmodule.world.cloud_plan import CloudPlan
from moduline.vmodule.world.network import Network
from moduline.vmodule.world.network_plan import NetworkPlan
from moduline.vmodule.world.radio import RadioFacts
from moduline.vmodule.world.socket_desk import SocketDesk


@dataclass(slots=True)
class World:
    """One module's surroundings.

    Attributes:
        clock: its time.
        radio: SIM, network, battery.
        cloud_plan: what the scripted QuecThing platform says and when.
        cloud: that platform, with what it saw of the module.
        network_plan: which hosts there are and how they are reached.
        network: the module's way to them; sockets, downloads and the cloud use it.
    """

    clock: ModuleClock = field(default_factory=ModuleClock)
    radio: RadioFacts = field(default_factory=RadioFacts)

    cloud_plan: CloudPlan = field(default_factory=CloudPlan)
    cloud: Cloud = field(init=False)
    network_plan: NetworkPlan = field(default_factory=NetworkPlan)
    network: Network = field(init=False)

    def __post_init__(self) -> None:
        """Wire the parts to each other."""
        self.network = Network(self.network_plan, self.clock, lambda: True)
        self.cloud = Cloud(self.cloud_plan, self.clock, lambda: True)

    def desks(self) -> tuple[MakeDesk, ...]:
        """What answers the questions of scripts; see ``interpreter.desk``."""
        return (self.cloud.desk, partial(SocketDesk, self.network))
