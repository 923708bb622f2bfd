"""``ntptime``: the time of a server into the module's RTC.

Modelled: SNTP over UDP to the chosen host and, when it does not answer, to the four spare ones of the module.

Source: device-api 10.7.
"""

import usocket as _socket

_ORDER = "host r_host sethost time settime".split()

host = "ntp.aliyun.com"
r_host = ["pool.ntp.org", "asia.pool.ntp.org", "cn.ntp.org.cn", "cn.pool.ntp.org"]

_PORT = 123
_SINCE_1900 = 2208988800  # seconds from 1900, where NTP begins, to 1970
_TIMEOUT_S = 10
_ASK = b"\x1b" + b"\0" * 47  # version 3, client


def sethost(ntp_host=None):
    global host
    if ntp_host is None:
        return -1
    host = ntp_host
    return 0


def time(use_rhost=1, timeout=_TIMEOUT_S):
    """Seconds of the Unix epoch at the server."""
    line = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    try:
        line.settimeout(timeout)
        for name in [host] + (r_host if use_rhost else []):
            try:
                line.sendto(_ASK, _socket.getaddrinfo(name, _PORT)[0][-1])
                answer = line.recv(48)
            except (OSError, IndexError):
                continue
            if len(answer) == 48:
                return int.from_bytes(answer[40:44], "big") - _SINCE_1900
    finally:
        line.close()
    raise OSError("Server connection failed!")


def settime(timezone=0, use_rhost=1, timeout=_TIMEOUT_S):
    """0, or -1 when no server answered; the clock then is what it was."""
    import machine
    import utime

    try:
        now = utime.localtime(time(use_rhost, timeout) + timezone * 3600)  # the RTC keeps local time
        machine.RTC().datetime((now[0], now[1], now[2], now[6], now[3], now[4], now[5], 0))
    except OSError:
        return -1
    return 0
