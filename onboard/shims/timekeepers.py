"""``machine.Timer``, ``machine.RTC`` and ``machine.WDT``.

Modelled: four hardware timers, the RTC with its alarm, a watchdog that restarts the module (``powerOnReason`` 5). Not
modelled: the watchdog's hardware below; it ends with a soft reset, as every timer does. A timer whose one shot has
been fired can be started again (the source of 2021 wants a ``stop`` first; its pages do not).

Source: device-api 10.6; QuecPython/microPython ``machine_timer.c``, ``machine_rtc.c``, ``machine_wdt.c``; the vendor's
page of ``machine.RTC`` (alarm, day 0 of the week is Sunday).
"""

from boot.state import life as _life
from shims import ticking as _ticking

_timers = {}


class Timer:
    """A hardware timer; the same number gives the same object."""

    Timer0 = 0
    Timer1 = 1
    Timer2 = 2
    Timer3 = 3
    PERIODIC = 1
    ONE_SHOT = 2

    def __new__(cls, number=0, **settings):
        if number in _timers:
            return _timers[number]
        return super().__new__(cls)

    def __init__(self, number=0, **settings):
        if number not in (0, 1, 2, 3):
            raise ValueError("invalid value, Timern should be in (Timer0~Timer3).")
        if _timers.get(number) is not self:
            self._number = 0
            _timers[number] = self
        if settings:
            self.start(**settings)

    def start(self, *, period=0xFFFFFFFF, mode=PERIODIC, callback=None, tick_hz=1000, freq=None):
        if _ticking.is_running(self._number):
            return 0
        period = int(1000 / freq) if freq is not None else period * 1000 // tick_hz
        if period < 1:
            return -1
        self._number = _ticking.start(period, mode == Timer.PERIODIC, callback, self)
        return 0 if self._number else -1

    def stop(self):
        if not self._number:
            return -1
        _ticking.stop(self._number)
        return 0


_alarm = [None]


def _hear_alarm(_):
    _ticking.call(_alarm[0], None)


class RTC:
    """Date and time: year, month, day, day of the week from Sunday, hour, minute, second, 0; in local time."""

    def datetime(self, *moment):
        import utime

        if not moment:
            now = utime.localtime()
            return (now[0], now[1], now[2], (now[6] + 1) % 7, now[3], now[4], now[5], 0)
        wanted = _seconds(moment[0])
        return 0 if wanted is not None and utime._set_rtc(wanted) else -1

    def init(self, moment):
        self.datetime(moment)

    def set_alarm(self, moment):
        wanted = _seconds(moment)
        return 0 if wanted is not None and _life.calls.ask("alarm_set", unix_s=wanted) else -1

    def register_callback(self, function):
        _alarm[0] = function
        _life.events.listen("alarm", _hear_alarm)
        return 0

    def enable_alarm(self, on_off):
        return 0 if on_off in (0, 1) and _life.calls.ask("alarm_enable", is_on=bool(on_off)) else -1


def _seconds(moment):
    """Unix seconds of such a tuple; seconds beyond 59 count on, as scripts rely on. None: no such day."""
    import utime

    if len(moment) != 8:
        raise ValueError("requested length 8 but object has length %d" % len(moment))
    year, month, day, _, hour, minute, second = moment[:7]
    if not (1970 <= year <= 2099 and 1 <= month <= 12 and 1 <= day <= 31):
        return None
    wanted = utime.mktime((year, month, day, hour, minute, second, 0, 0))
    return wanted if wanted >= 0 else None


class WDT:
    """The watchdog; the module restarts unless it is fed every ``period`` seconds."""

    def __init__(self, period):
        if not _life.calls.ask("watchdog_start", period_s=period):
            raise ValueError("invalid period")

    def feed(self):
        _life.calls.ask("watchdog_feed")
        return 0

    def stop(self):
        _life.calls.ask("watchdog_stop")
        return 0
