"""``machine.KeyPad``: the matrix keyboard.

Modelled: keys the bench presses, with the callback of the vendor's page: ``[1 pressed or 0 released, row, column]``;
keys outside the matrix are not seen. Not modelled: the backlight, several keys at once as one event, and the list of
five items in the source of 2021.

Source: the vendor's page of ``machine.KeyPad``.
"""

from boot.state import life as _life
from shims import ticking as _ticking

_pads = []


class KeyPad:
    """The one matrix keyboard."""

    def __new__(cls, *size):
        return _pads[0] if _pads else super().__new__(cls)

    def __init__(self, row=4, col=4):
        if row < 1 or col < 1:
            raise ValueError("invalid row or col")
        self._size = (row, col)
        if not _pads:
            self._callback = None
            _pads.append(self)

    def init(self):
        _life.events.listen("key", self._hear)
        return _life.calls.ask("keypad", is_on=True)

    def set_callback(self, usrFun):
        self._callback = usrFun
        return 0

    def deinit(self):
        self._callback = None
        _life.events.listen("key", None)
        return _life.calls.ask("keypad", is_on=False)

    def _hear(self, news):
        if news[1] < self._size[0] and news[2] < self._size[1]:
            _ticking.call(self._callback, news)
