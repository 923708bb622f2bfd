"""Callbacks: what the supervisor reports is queued, and runs on the main thread between two bytecodes.

Frames on the event socket: length (4 bytes little-endian), JSON ``{"to": key, "value": list}``. One wake-up drains
what waits, at most 64; the number of frames taken goes back, so that the supervisor knows whether another is due. The
interpreter drops what a callback raises, an interrupt too, so an interrupt that strikes here is asked for again, by the
top bit of that number.

Source: device-api 10.2; micropython-runtime 6.
"""

import sys

from boot import native
from boot.channel import Channel, Request, shelter
from boot.traces import format_exception

_AGAIN = 0x80000000
_AT_ONCE = 64  # callbacks before the script has its turn again


class Events(Channel):
    """The event socket and who listens to what."""

    def __init__(self, fd):
        super().__init__(fd)
        self._poll = __import__("select").poll()
        self._poll.register(self.file, 1)
        self._listeners = {}
        self._request = Request(())
        self._taken = 0
        self._again = 0
        self._end = _no_more
        self.drain = self._drain  # referenced here for as long as the interpreter knows its address
        shelter.drain = self.drain

    def listen(self, key, callback):
        """Call ``callback(value)`` for every report to ``key``; None stops it."""
        if callback is None:
            self._listeners.pop(key, None)
        else:
            self._listeners[key] = callback

    def _drain(self, _):
        """What the supervisor has the interpreter call. The number goes back whatever strikes, and says what struck.

        There is no jump from the last one in ``_work`` to the return: an interrupt that comes later stays pending for
        the script. One that came earlier, and be it the second one in the handler of the first, ends here.
        """
        try:
            self._again = _AGAIN
            self._end = self._tell
            self._work()
        finally:
            self._end()
            return  # noqa: B012 - meant: the number asks for the interrupt again

    def _work(self):
        if shelter.depth:
            shelter.has_events = True
            self._end = _no_more
            return
        # a head: an interrupt struck when a frame had come and nobody had heard of it
        while self._taken < _AT_ONCE and (self._request.head or self._poll.poll(0)):
            self.receive(self._request)
            self._deliver()
        self._again = 0

    def _tell(self):
        number = (self._taken | self._again).to_bytes(4, "little")
        self._taken = 0
        self.file.write(number)

    def _deliver(self):
        """Without a jump before the callback begins: what an interrupt strikes is the callback, never the report."""
        text = self._request.body
        self._request = Request(())
        self._taken += 1
        report = native.json.loads(text)
        try:
            self._listeners.get(report["to"], _nobody)(report["value"])
        except (Exception, SystemExit) as fault:
            sys.stdout.write(format_exception(fault))


def _nobody(value):
    """Hears what nobody listens to."""


def _no_more():
    """Callbacks have been put off; who put them off calls again."""
