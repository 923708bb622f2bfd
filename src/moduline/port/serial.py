"""The host's end of a serial port or pseudo-terminal.

pyserial opens and configures (any baud rate, every system) and takes the lock; on POSIX the bytes then go through
:class:`~moduline.port.descriptor.DescriptorStream`, on Windows through :class:`~moduline.port.threaded.ThreadedStream`.
Why pyserial and not serialx: ``docs/decisions/0008-serial-backend.md``.

Opening throws away what the system had buffered before, as every serial program does.
"""

from __future__ import annotations

import asyncio
import errno
import os
import sys

import serial

from moduline.errors import NoModule, PortBusy, PortGone, Text
from moduline.port.descriptor import DescriptorStream
from moduline.port.stream import ByteStream, no_such_rate
from moduline.port.threaded import ThreadedStream

DEFAULT_BAUD = 115200
_BUSY = {errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK}
_MISSING = {errno.ENOENT, errno.ENXIO, errno.ENODEV, errno.EIO, errno.ENOTDIR}
_NO_TERMINAL = {errno.ENOTTY, errno.EINVAL, errno.EISDIR}


def open_serial(path: str, baud: int = DEFAULT_BAUD) -> ByteStream:
    """The port at ``path`` (``/dev/ttyUSB2``, ``COM7``, a pseudo-terminal), opened for this program alone.

    Raises:
        NoModule: nothing of that name.
        PortBusy: another program holds it, no permission, or it is no serial port.
    """
    return _stream_of(_open_device(path, baud), path)


async def open_serial_aside(path: str, baud: int = DEFAULT_BAUD) -> ByteStream:
    """As :func:`open_serial`, in a thread: a driver that hangs in its opening holds up nobody but who waits for it.

    Raises:
        NoModule, PortBusy: as :func:`open_serial`.
    """
    opening = asyncio.get_running_loop().run_in_executor(None, _open_device, path, baud)
    try:
        device = await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_let_go)
        raise
    return _stream_of(device, path)


def _open_device(path: str, baud: int) -> serial.Serial | int:
    """The port, open: pyserial's object on Windows, a descriptor elsewhere.

    Raises:
        NoModule, PortBusy: as :func:`open_serial`.
    """
    try:
        port = serial.Serial(path, baudrate=baud, exclusive=True if os.name == "posix" else None, timeout=0)
    except (serial.SerialException, OSError, ValueError) as cause:
        raise _refused(path, cause) from cause
    if sys.platform == "win32":
        return port
    import termios  # only where there are terminals

    descriptor = os.dup(port.fileno())  # shares the lock; pyserial's own descriptor is closed with its object
    port.close()
    try:
        settings = termios.tcgetattr(descriptor)
        settings[6][termios.VMIN] = 1  # so that an empty buffer is "not now" and only a hang-up is an end of file
        termios.tcsetattr(descriptor, termios.TCSANOW, settings)
        os.set_blocking(descriptor, False)
    except (termios.error, OSError) as cause:
        os.close(descriptor)
        raise NoModule(address=path) from cause
    return descriptor


def _stream_of(device: serial.Serial | int, path: str) -> ByteStream:
    return SerialStream(device, path) if isinstance(device, int) else ThreadedStream(device, path)


def _let_go(opening: asyncio.Future[serial.Serial | int]) -> None:
    """Close what was opened for somebody who has gone."""
    if opening.cancelled() or opening.exception() is not None:
        return
    device = opening.result()
    if isinstance(device, int):
        os.close(device)
    else:
        device.close()


class SerialStream(DescriptorStream):
    """A descriptor that leads to a serial line and so has a rate."""

    async def set_baud(self, baud: int) -> None:
        """Go on at another rate, once what was written has left.

        Raises:
            PortGone: the port vanished or was closed.
            PortBusy: it has no such rate.
        """
        if sys.platform == "win32":
            raise PortBusy(port=self.name, reason=no_such_rate(baud))
        import termios  # only where there are terminals

        speed = getattr(termios, f"B{baud}", None)
        if speed is None:
            raise PortBusy(port=self.name, reason=no_such_rate(baud))
        try:
            settings = termios.tcgetattr(self._descriptor)
            settings[4] = settings[5] = speed
            await asyncio.to_thread(termios.tcsetattr, self._descriptor, termios.TCSADRAIN, settings)
        except (termios.error, OSError, ValueError) as cause:
            raise PortGone(port=self.name) from cause


def _refused(path: str, cause: Exception) -> NoModule | PortBusy:
    number = getattr(cause, "errno", None)
    if number is None and os.name == "nt":
        number = errno.ENOENT if "FileNotFoundError" in str(cause) else errno.EACCES
    if number in _MISSING:
        return NoModule(address=path)
    if number in _BUSY:
        return PortBusy(port=path, reason=Text("another program holds it", "已被其他程序占用"))
    if number == errno.EACCES:
        return PortBusy(port=path, reason=Text("permission denied", "没有权限"))
    if number in _NO_TERMINAL or number is None:
        return PortBusy(port=path, reason=Text("it is not a serial port", "不是串口设备"))
    return PortBusy(port=path, reason=os.strerror(number))
