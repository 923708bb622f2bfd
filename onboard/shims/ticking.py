"""What the timers of ``machine`` and ``osTimer`` share: calls that the supervisor reports when they are due.

Every start has a number of its own, so what was reported of a timer that has been stopped since is recognised. An
interrupt that strikes a callback leaves the others of the same report for the next one.

Source: device-api 10.2; QuecPython/microPython ``machine_timer.c``, ``modostimer.c``.
"""

import sys

from boot.state import life as _life
from boot.traces import format_exception as _format_exception

_running = {}  # number -> (callback, argument, is_periodic)
_due = []
_last = [0]


def start(period_ms, is_periodic, callback, argument):
    """Number of a timer that is running now; 0 when there are too many."""
    if not _last[0]:
        _life.events.listen("timer", _hear)
    _last[0] += 1
    number = _last[0]
    _running[number] = (callback, argument, is_periodic)
    try:
        if _life.calls.ask("timer_start", number=number, period_ms=period_ms, is_periodic=is_periodic):
            return number
        del _running[number]
        return 0
    except KeyboardInterrupt:
        stop(number)  # nobody would know its number
        raise


def stop(number):
    """Whether it was running."""
    if _running.pop(number, None) is None:
        return False
    _life.calls.ask("timer_stop", number=number)
    return True


def is_running(number):
    return number in _running


def _hear(numbers):
    _due.extend(numbers)
    try:
        while _due:
            _call(_due.pop(0))
    except KeyboardInterrupt:
        _life.calls.ask("timer_again")
        raise


def _call(number):
    entry = _running.get(number)
    if entry is None:
        return
    callback, argument, is_periodic = entry
    if not is_periodic:
        _running.pop(number, None)
    call(callback, argument)


def call(callback, argument):
    """Run a callback; what it raises is printed and dropped, as on the module."""
    if callback is None:
        return
    try:
        callback(argument)
    except Exception as fault:
        sys.stdout.write(_format_exception(fault))
