"""Waiting for what another thread does, without being deaf to callbacks, Ctrl-C and ``stop_thread``.

Asked again after a millisecond, then less and less often, at last a hundred times a second: a thread that waits for
long costs next to nothing. On a clock that runs faster it is asked more often.

An interrupt strikes at jumps only. One that strikes after the thing was taken and before it is handed over would lose
it, a lock for ever; so then it is given back.

Source: micropython-runtime 6.
"""

from boot import native as _native
from boot.state import life as _life

_SOON_US = 1000
_LATER_US = 10000
_BRIEF_US = 200
_rate = _life.facts["clock"][0][2] if "clock" in _life.facts else 1.0


def wait_for(take, give_back):
    """Return True when ``take()`` has said True: it must not jump once it has taken. ``give_back()`` undoes that."""
    pause = _SOON_US
    is_taken = False
    try:
        while True:
            _life.end_if_stopped()
            is_taken = take()
            if is_taken:
                return True
            _native.time.sleep_us(max(_BRIEF_US, int(pause / _rate)))
            pause = min(_LATER_US, pause + pause // 8)
    except KeyboardInterrupt:
        if is_taken:
            give_back()
        raise
