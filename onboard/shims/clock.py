"""``utime``: Unix epoch, local time at UTC+8, ticks that wrap at 30 bits and count from boot.

Source: device-api 10.3.
"""

from boot import native as _native
from boot.state import life as _life

_TICKS = 0x3FFFFFFF
_native_time = _native.time
_zone = [8]
_MONTHS = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)


def time():
    return int(_native_time.time() + _life.facts["rtc_offset_s"])


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
    return (_native_time.ticks_us() - _life.started_us) & _TICKS


def ticks_ms():
    return (_native_time.ticks_us() - _life.started_us) // 1000 & _TICKS


def ticks_cpu():
    return ticks_us()


def ticks_add(ticks, delta):
    return (ticks + delta) & _TICKS


def ticks_diff(new, old):
    return ((new - old + 0x20000000) & _TICKS) - 0x20000000


def sleep(seconds):
    _native_time.sleep(seconds)


def sleep_ms(milliseconds):
    _native_time.sleep_ms(milliseconds)


def sleep_us(microseconds):
    whole = (microseconds + 999) // 1000 * 1000
    start = _native_time.ticks_us()
    _native_time.sleep_ms(whole // 1000)
    while _native_time.ticks_diff(_native_time.ticks_us(), start) < whole:  # a wake-up may come early
        _native_time.sleep_us(50)


def setTimeZone(hours):
    if not -12 <= hours <= 12:
        raise ValueError("invalid time zone, the value should in range [-12,12]")
    _zone[0] = hours
    return 0


def getTimeZone():
    return _zone[0]
