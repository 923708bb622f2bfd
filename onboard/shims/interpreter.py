"""``micropython``: as far as scripts of the module use it; Ctrl-C handling reaches the supervisor's REPL.

Modelled: ``const``, ``schedule``, the heap lock, ``kbd_intr``. An emergency buffer is taken and not needed.
"""

from boot import native as _native
from boot.state import life as _life

_ORDER = (
    "const", "schedule", "mem_info", "opt_level", "heap_lock", "heap_unlock", "kbd_intr",
    "alloc_emergency_exception_buf",
)  # fmt: skip

const = _native.micropython.const
schedule = _native.micropython.schedule
mem_info = _native.micropython.mem_info
opt_level = _native.micropython.opt_level
heap_lock = _native.micropython.heap_lock
heap_unlock = _native.micropython.heap_unlock


def kbd_intr(character):
    _life.calls.ask("kbd_intr", character=character)


def alloc_emergency_exception_buf(size):
    """Nothing to do: exceptions always find room here."""
