"""``machine.Pin`` and ``machine.ExtInt``.

Modelled: direction, pull resistors, levels against what the bench drives, edges with counts and callbacks. Not
modelled: which GPIO a model has and which physical pin it is (0 to 47 exist here), debouncing, drive strength.

Source: QuecPython/microPython ``machine_pin.c``, ``machine_extint.c`` (texts, values, a list for the callback); the
vendor's pages of ``machine.Pin`` and ``machine.ExtInt`` (``set_dir``, ``get_dir``, counts, ``read_level``).
"""

from boot.state import life as _life
from shims import ticking as _ticking

_LINES = 48


def _lines(cls, first=0):
    for number in range(first, _LINES):
        setattr(cls, "GPIO%d" % number, number)
    return cls


class Pin:
    """One GPIO."""

    IN = 0
    OUT = 1
    PULL_DISABLE = 0
    PULL_PU = 1
    PULL_PD = 2

    def __init__(self, pin, dir=1, pull=0, value=0):
        if not isinstance(pin, int) or not 0 <= pin < _LINES:
            raise ValueError("invalid pin")
        self._line = pin
        self.init(dir, pull, value)

    def init(self, dir=None, pull=None, value=None):
        self._dir = self._checked(dir, (0, 1), "_dir", "dir, range{0:dir in, 1:dir out}")
        text = "pull, range{0:PIN_PULL_DISABLE, 1:PIN_PULL_PU, 2:PIN_PULL_PD}"
        self._pull = self._checked(pull, (0, 1, 2), "_pull", text)
        text = "value, range{0:PIN_LEVEL_LOW, 1:PIN_LEVEL_HIGH}"
        self._value = self._checked(value, (0, 1), "_value", text)
        self._set_up()

    def _checked(self, value, allowed, name, text):
        if value is None:
            return getattr(self, name)
        if value not in allowed:
            raise ValueError("invalid pin " + text)
        return value

    def _set_up(self):
        _life.calls.ask(
            "pin_setup", line=self._line, is_output=self._dir == 1, pull=self._pull, level=self._value
        )  # fmt: skip

    def read(self):
        return _life.calls.ask("pin_read", line=self._line)

    def write(self, value):
        if value not in (0, 1):
            return -1
        self._value = int(value)
        return _life.calls.ask("pin_write", line=self._line, level=self._value)

    def set_dir(self, value):
        if value not in (0, 1):
            return -1
        self._dir = value
        self._set_up()
        return 0

    def get_dir(self):
        return self._dir

    def value(self, *level):
        if not level:
            return self.read()
        self.write(1 if level[0] else 0)

    def on(self):
        self.write(1)

    def off(self):
        self.write(0)

    def __call__(self, *level):
        return self.value(*level)

    def __repr__(self):
        return "<Pin(%d)>" % self._line


_watched = {}  # line -> callback


def _hear(news):
    _ticking.call(_watched.get(news[0]), news)


class ExtInt:
    """An external interrupt; off until ``enable``. The callback gets ``[line, edge]``, edge 0 rising, 1 falling."""

    IRQ_RISING = 0
    IRQ_FALLING = 1
    IRQ_RISING_FALLING = 2
    PULL_DISABLE = 0
    PULL_PU = 1
    PULL_PD = 2

    def __init__(self, pin, mode, pull, callback):
        if not isinstance(pin, int) or not 0 <= pin < _LINES:
            raise ValueError("invalid pin value")
        if mode not in (0, 1, 2):
            raise ValueError("invalid mode value")
        if pull not in (0, 1, 2):
            raise ValueError("invalid pull value")
        if callback is None:
            raise ValueError("callback is none")
        self._line = pin
        _life.events.listen("edge", _hear)
        _watched[pin] = callback
        _life.calls.ask("edge_setup", line=pin, edge=mode, pull=pull)

    def line(self):
        return self._line

    def enable(self):
        return _life.calls.ask("edge_enable", line=self._line, is_on=True)

    def disable(self):
        return _life.calls.ask("edge_enable", line=self._line, is_on=False)

    def read_count(self, is_reset):
        return _life.calls.ask("edge_count", line=self._line, is_reset=bool(is_reset))

    def count_reset(self):
        self.read_count(1)
        return 0

    def read_level(self):
        return _life.calls.ask("pin_read", line=self._line)

    def __repr__(self):
        return "<ExtInt line=%d>" % self._line


_lines(Pin)
_lines(ExtInt)
