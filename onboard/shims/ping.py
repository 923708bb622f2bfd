"""``uping``: echoes of a host.

Modelled by the network of the scenario: a host that can be reached answers after twice its delay, with its share of
losses; nothing is sent. Not modelled: ICMP itself, other time-to-live than 64, SOURCE.

Source: device-api 12.2 (the module's own pages describe it; no source of the port has it).
"""

import usocket as _socket
import utime as _utime

_ORDER = ("Ping",)


class Ping:
    """``start`` sends COUNT echoes to HOST and prints, unless quiet, what comes back."""

    def __init__(self, HOST, SOURCE=None, COUNT=4, INTERVAL=1000, SIZE=64, TIMEOUT=5000, quiet=False):
        if SIZE < 16:
            raise ValueError("SIZE must be at least 16")
        self.HOST = HOST
        self.COUNT = COUNT
        self.INTERVAL = INTERVAL
        self.SIZE = SIZE
        self.TIMEOUT = TIMEOUT
        self.quiet = quiet

    def start(self):
        found = _socket.getaddrinfo(self.HOST, 0)
        if not found:
            raise OSError(-2)
        address, times = found[0][-1][0], []
        self._say("PING %s (%s): %d data bytes" % (self.HOST, address, self.SIZE))
        for number in range(self.COUNT):
            began = _utime.ticks_ms()
            took = self._echo(address)
            if took:
                times.append(float(took))
                row = (self.SIZE, address, number, times[-1])
                self._say("%d bytes from %s: icmp_seq=%d ttl=64 time=%f ms" % row)
            rest = self.INTERVAL - _utime.ticks_diff(_utime.ticks_ms(), began)
            if rest > 0 and number + 1 < self.COUNT:
                _utime.sleep_ms(rest)
        lost = self.COUNT - len(times)
        loss = lost * 100 // self.COUNT if self.COUNT else 0
        self._say("%d packets transmitted, %d packets received, %d packet loss" % (self.COUNT, len(times), loss))
        least, most = (min(times), max(times)) if times else (0, 0)
        mean = sum(times) / len(times) if times else 0
        self._say("round-trip min/avg/max = %.3f/%.3f/%.3f ms" % (least, mean, most))
        if self.quiet:
            return (self.COUNT, len(times), loss, least, mean, most)

    def _echo(self, address):
        """Milliseconds as a text; empty when nothing came in time."""
        deadline = _utime.ticks_add(_utime.ticks_ms(), self.TIMEOUT)
        return _socket._answer_of(_socket._ask("net_ping", host=address)[0], deadline)

    def _say(self, text):
        if not self.quiet:
            print(text)
