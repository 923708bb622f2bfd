"""``uselect``: waiting for several streams at once.

Modelled: ``poll`` and ``select`` over sockets, TLS sockets and every other stream of the interpreter; time-outs on the
module's clock.

Source: device-api 1 (``uselect`` is there).
"""

from boot import native as _native
from boot.state import life as _life

_ORDER = "poll select POLLIN POLLOUT POLLERR POLLHUP".split()

_select = _native.import_module("select")
_rate = _life.facts["clock"][-1][2] if "clock" in _life.facts else 1  # module milliseconds per one of this computer

POLLIN = _select.POLLIN
POLLOUT = _select.POLLOUT
POLLERR = _select.POLLERR
POLLHUP = _select.POLLHUP


class _Poll:
    """The interpreter's, with time-outs of the module."""

    def __init__(self):
        self._native = _select.poll()
        self.register = self._native.register
        self.unregister = self._native.unregister
        self.modify = self._native.modify

    def poll(self, timeout=-1):
        return self._native.poll(_host_ms(timeout))

    def ipoll(self, timeout=-1, flags=0):
        return self._native.ipoll(_host_ms(timeout), flags)


def _host_ms(timeout):
    if timeout is None or timeout < 0:
        return -1
    return int(timeout / _rate + 0.999)


poll = _select.poll if _rate == 1 else _Poll


def select(readers, writers, others, timeout=None):
    """Three lists: what can be read, what can be written, what has failed; ``timeout`` in seconds, None for ever."""
    waiting = poll()
    wanted = {}
    for streams, event in ((readers, POLLIN), (writers, POLLOUT), (others, POLLERR)):
        for stream in streams:
            wanted[id(stream)] = wanted.get(id(stream), 0) | event
            waiting.register(stream, wanted[id(stream)])
    found = {id(row[0]): row[1] for row in waiting.poll(-1 if timeout is None else int(timeout * 1000))}
    broken = POLLERR | POLLHUP
    return (
        [s for s in readers if found.get(id(s), 0) & (POLLIN | broken)],
        [s for s in writers if found.get(id(s), 0) & (POLLOUT | broken)],
        [s for s in others if found.get(id(s), 0) & POLLERR],
    )
