"""``utime``: Unix epoch, local time at UTC+8, ticks that wrap at 30 bits and count from power-on.

Modelled: everything on the module's own clock, with its speed and drift; the RTC behind ``time``; sleeping that
callbacks and Ctrl-C get through, and that ends when the thread is stopped. Not modelled: the scheduler's granularity.

The time line in the facts says how the module's microseconds follow from this computer's; see ``world.clock``.

Source: device-api 10.3.
"""

from boot import native as _native
from boot.state import life as _life

_ORDER = (
    "localtime gmtime mktime time sleep sleep_ms sleep_us ticks_ms ticks_us ticks_cpu ticks_add ticks_diff setTimeZone "
    "getTimeZone"
).split()

_TICKS = 0x3FFFFFFF
_MICRO = 1000000
_SLICE_US = _MICRO  # a sleeping thread looks this often whether it has been stopped
_native_time = _native.time
_zone = [8]
_MONTHS = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)


class _Line:
    """The time line, and how far along it the module is."""

    def __init__(self, facts):
        self.is_told = "clock" in facts
        self.pieces = facts["clock"] if self.is_told else [[_life.started_us, 0, 1.0]]
        # both sides have the same monotonic clock; where they do not, the start of this life is their common moment
        apart = _life.started_us - facts["clock_host_us"] if self.is_told else 0
        self.shift = apart if abs(apart) > 5 * _MICRO else 0
        self.place = 0
        self.boot_us = facts["boot_us"] if self.is_told else 0
        self.offset_us = 0

    def now_us(self):
        """The module's microseconds."""
        host = _native_time.ticks_us() - self.shift
        while self.place + 1 < len(self.pieces) and self.pieces[self.place + 1][0] <= host:
            self.place += 1
        piece = self.pieces[self.place]
        return piece[1] + int((host - piece[0]) * piece[2])

    def host_us(self, tick_us):
        """When, on this computer's clock, the module's microseconds will have come so far."""
        place = self.place
        while place + 1 < len(self.pieces) and self.pieces[place + 1][1] <= tick_us:
            place += 1
        piece = self.pieces[place]
        return piece[0] + self.shift + int((tick_us - piece[1]) / piece[2])

    def hear_rtc(self, offset_us):
        self.offset_us = offset_us


_line = _Line(_life.facts)
if _line.is_told:
    _line.offset_us = _life.calls.ask("rtc_get")
    _life.events.listen("rtc", _line.hear_rtc)
else:
    _line.offset_us = int(_native_time.time() * _MICRO) - _line.now_us()


def _set_rtc(unix_s):
    """Whether the RTC takes that time."""
    offset_us = _life.calls.ask("rtc_set", unix_s=unix_s)
    if offset_us is False:
        return False
    _line.offset_us = offset_us
    return True


def time():
    return (_line.offset_us + _line.now_us()) // _MICRO


def localtime(seconds=None):
    if seconds is None:
        seconds = time()
    return _native_time.gmtime(int(seconds) + _zone[0] * 3600)[:8]


def gmtime(seconds=None):
    return _native_time.gmtime(int(time() if seconds is None else seconds))[:8]


def mktime(moment):
    year, month, day, hour, minute, second = moment[:6]
    years = year - 1
    days = years * 365 + years // 4 - years // 100 + years // 400 - 719162
    days += _MONTHS[month - 1] + day - 1
    if month > 2 and year % 4 == 0 and (year % 100 or year % 400 == 0):
        days += 1
    return ((days * 24 + hour) * 60 + minute) * 60 + second - _zone[0] * 3600


def ticks_us():
    return (_line.now_us() - _line.boot_us) & _TICKS


def ticks_ms():
    return (_line.now_us() - _line.boot_us) // 1000 & _TICKS


def ticks_cpu():
    return ticks_us()


def ticks_add(ticks, delta):
    return (ticks + delta) & _TICKS


def ticks_diff(new, old):
    return ((new - old + 0x20000000) & _TICKS) - 0x20000000


def sleep(seconds):
    _sleep_us(int(seconds * _MICRO))


def sleep_ms(milliseconds):
    _sleep_us(milliseconds * 1000)


def sleep_us(microseconds):
    _sleep_us((microseconds + 999) // 1000 * 1000)


def _sleep_us(microseconds):
    """Never wakes early; the host's waiting calls let callbacks and interrupts through."""
    until = _line.host_us(_line.now_us() + microseconds)
    is_main = _native.in_main()
    while True:
        if not is_main:
            _life.end_if_stopped()
        left = until - _native_time.ticks_us()
        if left <= 0:
            return
        if not is_main and left > _SLICE_US:
            left = _SLICE_US
        if left < 1000:
            _native_time.sleep_us(left)
        else:
            _native_time.sleep(left / _MICRO)


def setTimeZone(hours):
    if not -12 <= hours <= 12:
        raise ValueError("invalid time zone, the value should in range [-12,12]")
    _zone[0] = hours
    return 0


def getTimeZone():
    return _zone[0]
