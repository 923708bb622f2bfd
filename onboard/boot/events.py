"""Callbacks: what the supervisor reports is queued, and runs on the main thread between two bytecodes.

Frames on the event socket: length (4 bytes little-endian), JSON ``{"to": key, "value": list}``. One wake-up drains
everything that waits; the number of frames taken goes back, so that the supervisor knows whether another is due.

Source: device-api 10.2; micropython-runtime 6.
"""

import sys

from boot import native
from boot.files import gate


class Events:
    """The event socket and who listens to what."""

    def __init__(self, fd):
        self._file = native.open_file(fd, "r+b")
        self._poll = __import__("select").poll()
        self._poll.register(self._file, 1)
        self._listeners = {}
        self.drain = self._drain  # referenced here for as long as the interpreter knows its address
        gate.drain = self.drain

    def listen(self, key, callback):
        """Call ``callback(value)`` for every report to ``key``; None stops it."""
        if callback is None:
            self._listeners.pop(key, None)
        else:
            self._listeners[key] = callback

    def _drain(self, _):
        if gate.is_main_inside:
            gate.has_events = True
            return
        taken = 0
        while self._poll.poll(0):
            size = int.from_bytes(self._file.read(4), "little")
            report = native.json.loads(self._file.read(size))
            taken += 1
            callback = self._listeners.get(report["to"])
            if callback is not None:
                try:
                    callback(report["value"])
                except Exception as fault:
                    sys.print_exception(fault)
        self._file.write(taken.to_bytes(4, "little"))
