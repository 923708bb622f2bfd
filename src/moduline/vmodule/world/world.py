"""The world of one module: everything outside its flash and its ports, and what answers scripts about it.

The world is made once with the module and outlives power cycles; what a soft reset forgets lives in the desks.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from moduline.vmodule.interpreter.desk import MakeDesk
from moduline.vmodule.world.clock import ModuleClock
from moduline.vmodule.world.radio import RadioFacts


@dataclass(slots=True)
class World:
    """One module's surroundings.

    Attributes:
        clock: its time.
        radio: SIM, network, battery.
    """

    clock: ModuleClock = field(default_factory=ModuleClock)
    radio: RadioFacts = field(default_factory=RadioFacts)

    def desks(self) -> tuple[MakeDesk, ...]:
        """What answers the questions of scripts; see ``interpreter.desk``."""
        return ()
