"""``osTimer``: timers of the operating system, as many as one likes; the module is the type itself.

Modelled: one-shot and periodic timers on the module's clock, at most 256 at once. Not modelled: the granularity of the
operating system's tick.

Source: device-api 10.7; QuecPython/microPython ``modostimer.c`` (the callback gets the timer).
"""

from shims import ticking as _ticking


class osTimer:
    """A timer."""

    def __init__(self):
        self._number = 0

    def start(self, initialTime, cyclialEn, callback):
        self.stop()
        self._number = _ticking.start(max(1, initialTime), bool(cyclialEn), callback, self)
        return 0 if self._number else -1

    def stop(self):
        _ticking.stop(self._number)
        self._number = 0
        return 0

    def delete_timer(self):
        return self.stop()


osTimer.osTimer = osTimer
AS_MODULE = osTimer
