"""``gc``: numbers in the module's measure; objects take twice the room on this machine.

Modelled: collection, the threshold and both counters, halved to the module's measure. Not modelled: ``stack`` checks
and statistics of the module's own build.

Source: device-api 1; micropython-runtime 11.
"""

from boot import native as _native
from boot.state import life as _life

_ORDER = ("collect", "enable", "disable", "isenabled", "threshold", "mem_free", "mem_alloc")

_scale = _life.facts["heap_scale"]

collect = _native.gc.collect
enable = _native.gc.enable
disable = _native.gc.disable
isenabled = _native.gc.isenabled
threshold = _native.gc.threshold


def mem_free():
    return _native.gc.mem_free() // _scale


def mem_alloc():
    return _native.gc.mem_alloc() // _scale
