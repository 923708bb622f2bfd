"""``usys``: what the module says about its interpreter; both version numbers of the real ones.

``stdout.buffer`` goes to the port byte for byte, everything else gets its line ends turned into CR LF there.

Modelled: versions, streams, ``path``, ``modules``, ``exit`` and ``print_exception``. Not modelled: ``settrace``,
``atexit``.

Source: device-api 1; micropython-runtime 5.
"""

from boot import native as _native
from boot.state import life as _life

_ORDER = (
    "implementation", "version", "version_info", "platform", "byteorder", "maxsize", "argv", "path", "modules",
    "stdin", "stdout", "stderr", "exit", "print_exception",
)  # fmt: skip

_sys = _native.sys


class _Implementation(tuple):
    name = "micropython"
    version = (1, 13, 0)
    mpy = 10245

    def __repr__(self):
        return "(name='micropython', version=(1, 13, 0), mpy=10245)"


class _RawOut:
    """Bytes to the port; ``write(data)``, ``write(data, size)`` or ``write(data, offset, size)``."""

    def write(self, data, *window):
        data = bytes(data, "utf-8") if isinstance(data, str) else bytes(data)
        if len(window) == 1:
            data = data[: window[0]]
        elif window:
            data = data[window[0] : window[0] + window[1]]
        _life.calls.ask_bytes("stdout_raw", data)
        return len(data)


class _Out(_native.io.IOBase):
    """Standard output with its binary side."""

    def __init__(self):
        self.buffer = _RawOut()

    def write(self, data, *window):
        return _sys.stdout.write(data, *window)

    def flush(self):
        pass

    def ioctl(self, request, argument):
        return 0


implementation = _Implementation(("micropython", (1, 13, 0), 10245))
version = "3.4.0"
version_info = (3, 4, 0)
platform = _life.facts["model"]
byteorder = "little"
maxsize = 0x7FFFFFFF
argv = []
path = _sys.path
modules = _sys.modules
stdin = _sys.stdin
stdout = _Out()
stderr = _sys.stderr
exit = _sys.exit


def print_exception(fault, file=None):
    """As the module prints it: without the frames of the on-board code."""
    text = _native.io.StringIO()
    _sys.print_exception(fault, text)
    lines = [line for line in text.getvalue().split("\n") if not line.startswith('  File "<rom>')]
    (_sys.stdout if file is None else file).write("\n".join(lines))
