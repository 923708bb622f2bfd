"""The module's end of a pseudo-terminal: makes the pair, keeps it raw, publishes a stable name.

The host's end is opened by path like any serial device (:mod:`moduline.port.serial`). A slave descriptor is kept open
here for as long as the end lives, so that no host coming or going is seen as a hang-up, bytes written while nobody
listens wait in the kernel's buffer, and the terminal stays raw.

Linux buffers some kilobytes per direction and hands out at most 4095 bytes per read; ``write_all`` therefore waits
when nobody reads. An end that talks to an absent host (a log, a banner) uses ``write_if_room``.

Closing the end is what pulling the cable is: the host's descriptor reads end of file.
"""

from __future__ import annotations

import contextlib
import os
import tty
from pathlib import Path

from moduline.errors import NoModule, PortGone, StorageFailed
from moduline.port.descriptor import DescriptorStream


class PtyEnd(DescriptorStream):
    """The module's side of a new pseudo-terminal; a ByteStream.

    Args:
        link: where to publish a symbolic link to the terminal, replaced atomically; its folder is made. None: no link.

    Raises:
        StorageFailed: no pseudo-terminal is left, or the link cannot be made.
    """

    def __init__(self, link: Path | None = None) -> None:
        try:
            master, self._slave = os.openpty()
        except OSError as cause:
            raise StorageFailed(path="/dev/ptmx", reason=cause.strerror) from cause
        tty.setraw(self._slave)
        os.set_blocking(master, False)
        self._device = os.ttyname(self._slave)
        self._link = link
        super().__init__(master, f"pty:{self._device}")
        if link is not None:
            try:
                _publish(link, self._device)
            except OSError as cause:
                os.close(master)
                os.close(self._slave)
                raise StorageFailed(path=str(link), reason=cause.strerror) from cause

    @property
    def path(self) -> str:
        """What the host opens: the published link, or the device itself."""
        return str(self._link) if self._link is not None else self._device

    @property
    def device(self) -> str:
        """The terminal's own device path, such as ``/dev/pts/7``."""
        return self._device

    def write_if_room(self, data: bytes) -> int:
        """Hand over as much as fits without waiting; gives the number of bytes taken, 0 when the port is gone."""
        try:
            return self._write(data)
        except PortGone:
            return 0

    async def close(self) -> None:
        """Vanish: take the link away, close both descriptors; the host's side reads end of file."""
        if self._slave >= 0:
            if self._link is not None:
                with contextlib.suppress(OSError):
                    if str(self._link.readlink()) == self._device:
                        self._link.unlink()
            slave, self._slave = self._slave, -1
            os.close(slave)
        await super().close()


def _publish(link: Path, device: str) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    fresh = link.with_name(f".{link.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        fresh.unlink()
    fresh.symlink_to(device)
    fresh.replace(link)


def open_pty(path: str) -> DescriptorStream:
    """The host's side of a pseudo-terminal that this program itself has made.

    Other than ``serial.open_serial`` it takes no lock and throws nothing away, so that a module's first words are read
    however late somebody listens.

    Raises:
        NoModule: it is gone.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError as cause:
        raise NoModule(address=path) from cause
    return DescriptorStream(descriptor, path)
