"""A download into a file, piece by piece between other work; goes on where the file ends.

What is in the file when it begins is asked for no more (``Range``). A server that answers with the whole file instead
makes it begin anew. Header names are compared without case; a body in chunks is refused, as is a length or a range that
is not the one that was asked for. A server may be slow, but not for ever: ten seconds without a byte, half a minute for
the head, a minute for less than a kilobyte end a try.

Source: ota-semantics 11.6, 12 (trap 4).
"""

import uos
import utime

from . import device
from .link import some

LIMIT_MS = 10000
HEAD_MS = 30000
SLOW_MS = 60000  # for at least _PIECE bytes
_PIECE = 1024
_KEEP_BYTES = 8192  # at most so much is fetched again after a power cut
_MAX_HEAD = 2048


class Fetch:
    """Bytes ``first`` to ``last`` of a URL; ``at`` says how far it is."""

    def __init__(self, url, path, first, last):
        self.url, self.path = url, path
        self.first, self.last = first, last
        self.at = first + size_of(path)
        if self.at > last + 1:
            uos.remove(path)
            self.at = first
        self.sock = None
        self._file = None
        self._head = b""
        self._is_body = False
        self._kept = self.at
        self._heard = self._marked = 0
        self._mark = self.at

    def begin(self):
        """Connect and ask; OSError or ValueError when that is not possible. Nothing to do for a file that is whole."""
        if self.at > self.last:
            return
        scheme, host, port, path = device.split_url(self.url)
        if scheme not in ("http", "https"):
            raise ValueError("URL")
        self._file = open(self.path, "ab")
        self.sock = device.connect(scheme, host, port)
        place = host if port in (80, 443) else "%s:%d" % (host, port)
        line = "GET %s HTTP/1.1\r\nHost:%s\r\nAccept-Ranges: bytes\r\nRange: bytes=%d-%d\r\n\r\n"
        self.sock.write((line % (path, place, self.at, self.last)).encode())
        self._heard = self._marked = utime.ticks_ms()

    def step(self):
        """Take what has come; True when all is there. OSError when it will not come from this connection."""
        if self.at > self.last:
            self.close()
            return True
        piece = some(self.sock, _PIECE)
        if piece is None:
            if utime.ticks_diff(utime.ticks_ms(), self._heard) > LIMIT_MS:
                raise OSError(110)
            return False
        if not piece:
            raise OSError(104)
        self._heard = utime.ticks_ms()
        if not self._is_body:
            piece = self._answer(piece)
        if piece:
            self._keep(piece)
        self._check_pace()
        if self.at > self.last:
            self.close()
            return True
        return False

    def _check_pace(self):
        passed = utime.ticks_diff(self._heard, self._marked)
        if self._is_body and self.at - self._mark >= _PIECE:
            self._mark, self._marked = self.at, self._heard
        elif passed > (SLOW_MS if self._is_body else HEAD_MS) and self.at <= self.last:
            raise OSError(110)

    def close(self):
        """Let go of the connection; what has come is kept."""
        if self.sock is not None:
            self.sock.close()
            self.sock = None
        if self._file is not None:
            self._file.close()
            self._file = None

    def _keep(self, piece):
        if self.at + len(piece) > self.last + 1:
            raise OSError(27)
        self._file.write(piece)
        self.at += len(piece)
        if self.at - self._kept >= _KEEP_BYTES:
            self._file.flush()
            self._kept = self.at

    def _answer(self, piece):
        """Judge the head once it is whole; gives what follows it."""
        self._head += piece
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            if len(self._head) > _MAX_HEAD:
                raise OSError(71)
            return b""
        rest = self._head[end + 4 :]
        lines = self._head[:end].split(b"\r\n")
        self._head = b""
        said = {}
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            said[name.strip().lower()] = value.strip()
        status = lines[0].split(b" ")[1:2]
        if status == [b"200"]:
            self._from_the_start()
        elif status != [b"206"] or not self._is_right_place(said.get(b"content-range")):
            raise OSError(71)
        length = said.get(b"content-length")
        if b"transfer-encoding" in said or (length is not None and length != str(self.last + 1 - self.at).encode()):
            raise OSError(71)
        self._is_body = True
        self._mark, self._marked = self.at, self._heard
        return rest

    def _is_right_place(self, said):
        return said is None or said.startswith(b"bytes %d-%d/" % (self.at, self.last))

    def _from_the_start(self):
        if self.first:
            raise OSError(71)  # a later piece cannot be had from this server
        if self.at:
            self._file.close()
            self._file = open(self.path, "wb")
            self.at = self._kept = 0


def size_of(path):
    """Bytes of a file; 0 when there is none."""
    try:
        return uos.stat(path)[6]
    except OSError:
        return 0
