"""``machine``: UARTs, and the clock of the prompt's tools.

Source: device-api 10.5.
"""

from boot import native as _native
from boot.state import life as _life

_BAUDS = (
    300, 600, 1200, 2400, 3600, 4800, 7200, 9600, 14400, 19200, 28800, 33600, 38400, 57600, 115200, 230400, 460800,
    921600, 1000000, 1842000, 3686400, 4468750,
)  # fmt: skip
_ports = {}


def _check(is_fine, what):
    if not is_fine:
        raise ValueError("invalid " + what)


class UART:
    """A serial port of the module; the same number gives the same object."""

    UART0 = 0
    UART1 = 1
    UART2 = 2
    UART3 = 3
    UART4 = 4

    def __new__(cls, port, *settings, **options):
        if port in _ports:
            return _ports[port]
        return object.__new__(cls)

    def __init__(self, port, baudrate=0, bits=0, parity=-1, stop=0, flow=-1):
        if port not in (0, 1, 2, 3, 4):
            raise ValueError("UART(%s) does not exist" % port)
        self._port = port
        self.init(baudrate, bits, parity, stop, flow)
        _ports[port] = self

    def init(self, baudrate, bits, parity, stop, flow):
        _check(baudrate in _BAUDS, "baudrate")
        _check(bits == 8 or (bits in (5, 6, 7) and not _life.facts["uart_8_bits_only"]), "data bits")
        _check(parity in (0, 1, 2), "parity bits")
        _check(stop in (1, 2), "stop bits")
        _check(flow in (0, 1), "flow bits")
        self._settings = (baudrate, bits, parity, stop, flow)
        if not self._ask("uart_open"):
            raise ValueError("UART(%d) init fail" % self._port)
        return 0

    def _ask(self, op, **facts):
        return _life.calls.ask(op, port=self._port, **facts)

    def any(self):
        return self._ask("uart_any")

    def read(self, size=-1):
        return _life.calls.ask_bytes("uart_read", b"", port=self._port, size=size)[1]

    def readline(self):
        return _life.calls.ask_bytes("uart_readline", b"", port=self._port)[1]

    def readinto(self, buffer, size=-1):
        data = self.read(len(buffer) if size < 0 else min(size, len(buffer)))
        buffer[: len(data)] = data
        return len(data)

    def write(self, data):
        data = data.encode() if isinstance(data, str) else bytes(data)
        return _life.calls.ask_bytes("uart_write", data, port=self._port)[0]

    def set_callback(self, function):
        key = "uart%d" % self._port
        _life.events.listen(key, function)
        return self._ask("uart_listen", is_on=function is not None)

    def close(self):
        _ports.pop(self._port, None)
        _life.events.listen("uart%d" % self._port, None)
        return self._ask("uart_close")

    def control_485(self, gpio, direction):
        raise NotImplementedError("UART.control_485 is not modelled by this virtual module yet")

    def __repr__(self):
        baudrate, bits, parity, stop, flow = self._settings
        named = ("None", "1", "0")[parity] if parity < 3 else "None"
        return "UART(%d, baudrate=%d, bits=%d, parity=%s, stop=%d, flow=%d)" % (
            self._port, baudrate, bits, named, stop, flow,
        )  # fmt: skip


class RTC:
    """Date and time."""

    def datetime(self, moment=None):
        import utime

        if moment is None:
            now = utime.localtime()
            return (now[0], now[1], now[2], now[6], now[3], now[4], now[5], 0)
        year, month, day, _, hour, minute, second = moment[:7]
        wanted = utime.mktime((year, month, day, hour, minute, second, 0, 0))
        _life.facts["rtc_offset_s"] += wanted - utime.time()
        return None

    init = datetime


def soft_reset():
    raise SystemExit


def unique_id():
    return _life.facts["imei"].encode()


idle = _native.machine.idle


_UNMODELLED = "ADC ExtInt I2C I2C_simulation KeyPad LCD NandFlash NetLed Pin SPI Timer WDT".split()


def __getattr__(name):
    if name in _UNMODELLED:
        raise NotImplementedError("machine.%s is not modelled by this virtual module yet" % name)
    raise AttributeError("'module' object has no attribute '%s'" % name)
