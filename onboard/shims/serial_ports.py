"""The UARTs of ``machine``.

Modelled: settings with the module's own refusals, reading and writing, callbacks, RS-485 direction by GPIO; the UART
that is the REPL port is taken from the REPL while it is open. Not modelled: baud rate, parity and flow control on the
line: bytes travel as fast as this computer passes them on.

A UART that was closed refuses bytes as a stream does that would block: ``None``.

Source: device-api 10.5; QuecPython/microPython ``machine_uart.c``.
"""

from boot import native as _native
from boot.state import life as _life

_BAUDS = (
    300, 600, 1200, 2400, 3600, 4800, 7200, 9600, 14400, 19200, 28800, 33600, 38400, 57600, 115200, 230400, 460800,
    921600, 1000000, 1842000, 3686400, 4468750,
)  # fmt: skip
_PIECE = 12 * 1024  # the most one answer carries
_POLL_READ = 1
_POLL_WRITE = 4
_IOCTL_POLL = 3
_ports = {}


def _check(is_fine, what):
    if not is_fine:
        raise ValueError("invalid " + what)


class UART(_native.io.IOBase):
    """A serial port of the module; the same number gives the same object."""

    UART0 = 0
    UART1 = 1
    UART2 = 2
    UART3 = 3
    UART4 = 4

    def __new__(cls, port, *settings, **options):
        if port in _ports:
            return _ports[port]
        return super().__new__(cls)

    def __init__(self, port, baudrate=0, bits=0, parity=-1, stop=-1, flow=-1):
        if port not in (0, 1, 2, 3, 4):
            raise ValueError("UART(%s) does not exist" % port)
        self._port = port
        self._half_duplex = getattr(self, "_half_duplex", None)
        self.init(baudrate, bits, parity, stop, flow)
        _ports[port] = self

    def init(self, baudrate=0, bits=0, parity=-1, stop=-1, flow=-1):
        _check(baudrate in _BAUDS, "baudrate")
        if _life.facts["uart_8_bits_only"]:
            _check(bits == 8, "data bits, Unisoc platform only support 8 data bit.")
        _check(bits in (5, 6, 7, 8), "data bits")
        _check(parity in (0, 1, 2), "parity bits")
        _check(stop in (1, 2), "stop bits")
        _check(flow in (0, 1), "flow bits")
        self._settings = (baudrate, bits, parity, stop, flow)
        if not self._ask("uart_open"):
            raise ValueError("UART(%d) init fail" % self._port)
        self._is_open = True

    def _ask(self, op, **facts):
        return _life.calls.ask(op, port=self._port, **facts)

    def any(self):
        return self._ask("uart_any") if self._is_open else 0

    def read(self, size=-1):
        if not self._is_open:
            return None
        got = b""
        while size != 0:
            piece = _life.calls.ask_bytes("uart_read", b"", port=self._port, size=size)[1]
            got += piece
            if len(piece) < _PIECE:
                break
            size -= len(piece) if size > 0 else 0
        return got

    def readline(self, size=-1):
        if not self._is_open:
            return None
        return _life.calls.ask_bytes("uart_readline", b"", port=self._port)[1]

    def readinto(self, buffer, size=-1):
        data = self.read(len(buffer) if size < 0 else min(size, len(buffer)))
        if data is None:
            return None
        buffer[: len(data)] = data
        return len(data)

    def write(self, data):
        if not self._is_open:
            return None
        data = data.encode() if isinstance(data, str) else bytes(data)
        if self._half_duplex is not None:
            self._turn(len(data))
        for at in range(0, len(data), _PIECE):
            _life.calls.ask_bytes("uart_write", data[at : at + _PIECE], port=self._port)
        return len(data)

    def _turn(self, size):
        """The direction pin has its level as long as the bytes are on the line."""
        line, level = self._half_duplex
        baudrate, bits, parity, stop, _ = self._settings
        frame = 1 + bits + (1 if parity else 0) + stop
        _life.calls.ask("pin_half_duplex", line=line, level=level, bits=size * frame, baudrate=baudrate)

    def set_callback(self, function):
        _life.events.listen("uart%d" % self._port, function)
        return self._ask("uart_listen", is_on=function is not None)

    def close(self):
        self._is_open = False
        _life.events.listen("uart%d" % self._port, None)
        return self._ask("uart_close")

    def control_485(self, gpio, direction):
        if not (isinstance(gpio, int) and isinstance(direction, int)) or not 0 <= gpio < 64 or direction not in (0, 1):
            return -1
        _life.calls.ask("pin_setup", line=gpio, is_output=True, pull=0, level=1 - direction)
        self._half_duplex = (gpio, direction)
        return 0

    def ioctl(self, request, argument):
        if request != _IOCTL_POLL:
            return -1
        return (argument & _POLL_WRITE) | (_POLL_READ if argument & _POLL_READ and self.any() else 0)

    def __iter__(self):
        return self

    def __next__(self):
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def __repr__(self):
        baudrate, bits, parity, stop, flow = self._settings
        return "UART(%d, baudrate=%d, bits=%d, parity=%s, stop=%d, flow=%d)" % (
            self._port, baudrate, bits, ("None", "1", "0")[parity], stop, flow,
        )  # fmt: skip
