"""``utimeq``: a queue of things to do, ordered by ticks that may wrap.

Modelled: as in MicroPython up to 1.21, where it was built in.

Source: MicroPython 1.13, ``modutimeq.c``.
"""

_ORDER = ("utimeq",)

_HALF = 0x20000000
_MASK = 0x3FFFFFFF


class utimeq:
    """At most ``size`` entries."""

    def __init__(self, size):
        self._size = size
        self._entries = []

    def push(self, ticks, callback, arguments):
        if len(self._entries) >= self._size:
            raise IndexError("queue overflow")
        place = len(self._entries)
        while place and _is_before(ticks, self._entries[place - 1][0]):
            place -= 1
        self._entries.insert(place, (ticks, callback, arguments))

    def pop(self, into):
        if not self._entries:
            raise IndexError("empty heap")
        if not isinstance(into, list) or len(into) < 3:
            raise TypeError
        into[:3] = self._entries.pop(0)

    def peektime(self):
        if not self._entries:
            raise IndexError("empty heap")
        return self._entries[0][0]

    def __bool__(self):
        return bool(self._entries)

    def __len__(self):
        return len(self._entries)


def _is_before(ticks, other):
    return ((ticks - other + _HALF) & _MASK) - _HALF < 0
