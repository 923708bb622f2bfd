"""What surrounds a virtual module: time, SIM and network, pins and buses, servers, the cloud."""

from moduline.vmodule.world.clock import ModuleClock
from moduline.vmodule.world.world import World

__all__ = ["ModuleClock", "World"]
