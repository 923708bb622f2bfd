"""How a process that lives for months and holds many connections treats its garbage.

Python looks for cycles after every 700 new objects, and through all objects that live when a quarter of them is new:
with ten thousand connections that was a third of the processor time of a report. What is there when the platform has
begun stays to the end and need not be looked through; the rest is looked at less often.
"""

from __future__ import annotations

import gc
from typing import Final

_NEW: Final = 5_000
"""Objects, more made than gone, after which the young ones are looked at."""


def settle_in() -> None:
    """Say that all that is there now stays; for the one who owns the process, after everything has been started."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW, 10, 10)
