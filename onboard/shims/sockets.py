"""``usocket``: TCP and UDP over the module's data call.

A socket is a line to the supervisor, opened as a stream of the interpreter: waiting for it costs nothing, and Ctrl-C,
callbacks and other threads go on meanwhile. The line comes with ``connect``, ``listen``, ``bind`` or ``sendto``, and a
module has at most 16 of them at once (OSError 23 then).

Modelled: IPv4 TCP client and server, UDP, names, time-outs, non-blocking use, ``uselect``, ``getsocketsta``; hosts,
delays, loss, limits and faults as the scenario's ``network`` table says. The module's own ports are reached through
ports of this computer (notice ``virt.listening``).

Not modelled: IPv6, raw sockets, multicast; ``setsockopt`` takes every option and changes nothing.

Source: device-api 12.2; micropython-runtime 9.
"""

import io as _io

import utime as _utime

from boot import channel as _channel
from boot import native as _native
from boot.state import life as _life

_ORDER = (
    "socket getaddrinfo AF_INET AF_INET6 SOCK_STREAM SOCK_DGRAM SOCK_RAW IPPROTO_IP IPPROTO_ICMP IPPROTO_TCP "
    "IPPROTO_UDP IPPROTO_TCP_SER SOL_SOCKET SO_REUSEADDR SO_KEEPALIVE TCP_KEEPALIVE"
).split()

AF_INET = 2
AF_INET6 = 10
SOCK_STREAM = 1
SOCK_DGRAM = 2
SOCK_RAW = 3
IPPROTO_IP = 0
IPPROTO_ICMP = 1
IPPROTO_TCP = 6
IPPROTO_UDP = 17
SOL_SOCKET = 1
SO_REUSEADDR = 2
SO_KEEPALIVE = 8
TCP_KEEPALIVE = 4
IPPROTO_TCP_SER = 6

_EAGAIN, _EBADF, _EPIPE, _ECONNRESET, _EISCONN, _ENOTCONN, _ETIMEDOUT, _EINPROGRESS = 11, 9, 32, 104, 106, 107, 110, 115
_EINVAL, _ENFILE, _EMFILE, _EDESTADDRREQ = 22, 23, 24, 89
_POLLIN, _POLLOUT, _POLLERR, _POLLHUP, _POLLNVAL = 1, 4, 8, 16, 32
_IOCTL_POLL, _IOCTL_CLOSE, _IOCTL_FILENO = 3, 4, 10

_new_poll = _native.import_module("select").poll
_ticks_ms, _ticks_diff, _ticks_add = _utime.ticks_ms, _utime.ticks_diff, _utime.ticks_add  # the module's time
_guard = _channel.Guard()
_SLICE_MS = 1000  # a waiting thread looks this often whether it has been stopped
_rate = _life.facts["clock"][-1][2] if "clock" in _life.facts else 1.0  # module milliseconds per one of this computer


def _ask(op, data=b"", **facts):
    """The answer, with a descriptor as a stream under ``file``; OSError for what the supervisor refuses.

    An interrupt strikes when the stream is made: then it is the collector's, and no descriptor is forgotten.
    """
    return _guard.run(_ask_inside, op, data, facts)


def _ask_inside(op, data, facts):
    answer, rest = _life.calls.ask_bytes(op, data, **facts)
    if answer.get("errno") in (_ENFILE, _EMFILE):
        _native.gc.collect()  # sockets that nobody refers to any more are closed by it
        answer, rest = _life.calls.ask_bytes(op, data, **facts)
    if "errno" in answer:
        raise OSError(answer["errno"])
    if "fd" in answer:
        answer["file"] = _native.open_file(answer["fd"], "r+b")
    return answer, rest


def _wait(fd, events, deadline):
    """Wait until one of the events; ``deadline`` in ticks, None for ever. False when it has passed."""
    poll = _new_poll()
    poll.register(fd, events)
    is_main = _native.in_main()
    while True:
        left = -1 if deadline is None else max(0, _ticks_diff(deadline, _ticks_ms()))
        patience = int(left / _rate) + 1 if left > 0 else left
        if not is_main and not 0 <= patience <= _SLICE_MS:
            patience = _SLICE_MS
        if poll.poll(patience):
            return True
        if left == 0:
            return False
        if not is_main:
            _life.end_if_stopped()


def _answer_of(answer, deadline=None):
    """Everything said on the line of an answer that takes its time; empty when it takes too long."""
    file, text = answer["file"], b""
    try:
        while True:
            piece = file.read(256)
            if piece is None:
                if not _wait(answer["fd"], _POLLIN, deadline):
                    return ""
            elif piece:
                text += piece
            else:
                return text.decode()
    finally:
        file.close()


def _resolve(host):
    """The address of a host; OSError when it has none."""
    answer, _ = _ask("net_resolve", host=host)
    if "address" in answer:
        return answer["address"]
    address = _answer_of(answer)
    if not address:
        raise OSError(-2)
    return address


def getaddrinfo(host, port, af=0, type=0, proto=0, flags=0):
    """One address, or an empty list when the name does not resolve, as on the module."""
    try:
        address = _resolve(host)
    except OSError as fault:
        if fault.errno in (_ENFILE, _EMFILE):
            raise
        return []
    return [(AF_INET, type or SOCK_STREAM, proto, host, (address, int(port)))]


class socket(_io.IOBase):
    """One end point."""

    def __init__(self, af=AF_INET, type=SOCK_STREAM, proto=0):
        if af == AF_INET6 or type == SOCK_RAW:
            raise NotImplementedError("IPv6 and raw sockets are not modelled by this virtual module yet")
        if af != AF_INET or type not in (SOCK_STREAM, SOCK_DGRAM):
            raise OSError(_EINVAL)
        self._type = type
        self._timeout_ms = None
        self._file = None  # the line
        self._fd = -1
        self._line = 0
        self._is_connecting = False
        self._is_listening = False
        self._is_closed = False
        self._port = 0  # it is bound to
        self._peer = None  # where a UDP socket is connected to
        self._fault = None  # errno of what ended it before anybody could be told

    # ---- line ----

    def _take(self, answer):
        if self._is_closed:  # by another thread, while the answer was on its way
            answer["file"].close()
            raise OSError(_EBADF)
        self._file, self._fd, self._line = answer["file"], answer["fd"], answer["line"]

    def _deadline(self):
        return None if self._timeout_ms is None else _ticks_add(_ticks_ms(), self._timeout_ms)

    def _wait(self, events, deadline):
        """Wait for the line; OSError when it takes too long or the socket was closed meanwhile."""
        if self._timeout_ms == 0:
            raise OSError(_EAGAIN)
        if not _wait(self._fd, events, deadline):
            raise OSError(_ETIMEDOUT)
        if self._is_closed:
            raise OSError(_EBADF)

    def _open_file(self):
        """The line's stream, once it is connected."""
        if self._is_closed:
            raise OSError(_EBADF)
        if self._file is None:
            fault, self._fault = self._fault, None
            raise OSError(fault or _ENOTCONN)
        if self._is_connecting:
            self._settle(self._deadline())
        return self._file

    def _connected_file(self):
        """The same, waiting even when the socket does not."""
        if self._is_connecting:
            timeout, self._timeout_ms = self._timeout_ms, None
            try:
                self._settle(None)
            finally:
                self._timeout_ms = timeout
        return self._open_file()

    def _settle(self, deadline):
        """Wait for the outcome of ``connect``."""
        while self._is_connecting:
            mark = self._file.read(1)
            if mark is None:
                self._wait(_POLLIN, deadline)
            elif mark:
                self._is_connecting = False
            else:
                self._is_connecting = False
                self._fault = self._ending() or _ECONNRESET
                self._let_go()
        if self._fault:
            fault, self._fault = self._fault, None
            raise OSError(fault)

    def _ending(self):
        """What ended the connection: an errno, 0 for an orderly end."""
        return _life.calls.ask("sock_state", line=self._line)[1]

    def _let_go(self):
        file, self._file = self._file, None
        if file is not None:
            file.close()
            _life.calls.ask("sock_close", line=self._line)

    # ---- client ----

    def connect(self, address):
        if self._is_closed:
            raise OSError(_EBADF)
        host, port = address[0], int(address[1])
        if self._type == SOCK_DGRAM:
            self._peer = (_resolve(host), port)
            return
        if self._file is not None:
            raise OSError(_EINPROGRESS if self._is_connecting else _EISCONN)
        deadline = self._deadline()
        self._take(_ask("sock_connect", host=_resolve(host), port=port)[0])
        self._is_connecting = True
        if self._timeout_ms == 0:
            raise OSError(_EINPROGRESS)
        try:
            self._settle(deadline)
        except BaseException:
            self._is_connecting = False
            self._let_go()
            raise

    def recv(self, size):
        """At most ``size`` bytes, as soon as there are some; empty at the end."""
        if self._type == SOCK_DGRAM:
            return self.recvfrom(size)[0]
        data = self._some(size, self._deadline())
        if data is None:
            raise OSError(_EAGAIN)
        return data

    def _some(self, size, deadline):
        """At least one byte; empty at the end, None when there is nothing and nobody waits."""
        file = self._open_file()
        while True:
            data = file.read(size)
            if data or not size:
                return data
            if data is not None:
                fault = self._ending()
                if fault:
                    raise OSError(fault)
                return data
            if self._timeout_ms == 0:
                return None
            self._wait(_POLLIN, deadline)

    def read(self, size=-1):
        """``size`` bytes, or all until the end; fewer only at the end or from a non-blocking socket."""
        data, deadline = b"", self._deadline()
        while size < 0 or len(data) < size:
            piece = self._some(4096 if size < 0 else size - len(data), deadline)
            if piece is None:
                return data or None
            if not piece:
                break
            data = data + piece if data else piece
            deadline = self._deadline()
        return data

    def readinto(self, buffer, size=-1):
        wanted = len(buffer) if size < 0 else min(size, len(buffer))
        data = self.read(wanted)
        if data is None:
            return None
        buffer[: len(data)] = data
        return len(data)

    def readline(self, *limit):
        file, line, deadline = self._open_file(), b"", self._deadline()
        while True:
            piece = file.readline()
            if piece:
                line += piece
                if line.endswith(b"\n"):
                    return line
            elif piece is not None:
                return line
            elif self._timeout_ms == 0:
                return line or None
            else:
                self._wait(_POLLIN, deadline)

    def send(self, data):
        """How many bytes were taken."""
        if self._type == SOCK_DGRAM:
            if self._peer is None:
                raise OSError(_EDESTADDRREQ)
            return self.sendto(data, self._peer)
        sent = self._put(data, True)
        if sent is None:
            raise OSError(_EAGAIN)
        return sent

    def sendall(self, data):
        self._put(data, False)

    def write(self, data, size=-1):
        """All of it; None or a part of it from a non-blocking socket that has no room."""
        if size >= 0:
            data = memoryview(data)[:size]
        if self._type == SOCK_DGRAM:
            return self.send(data)
        return self._put(data, False)

    def _put(self, data, is_once):
        if isinstance(data, str):
            data = data.encode()
        deadline, rest, sent = self._deadline(), memoryview(data), 0
        while sent < len(rest):
            sent += self._write_some(rest[sent:]) or 0
            if sent < len(rest):
                if sent and is_once:
                    break
                if self._timeout_ms == 0:
                    return sent or None
                self._wait(_POLLOUT, deadline)
        return sent

    def _write_some(self, data):
        """How much of it there was room for; None for nothing."""
        try:
            return self._open_file().write(data)
        except OSError as fault:
            if fault.errno != _EPIPE:
                raise
            raise OSError(self._ending() or _ECONNRESET)

    # ---- datagrams ----

    def _datagrams(self):
        if self._is_closed:
            raise OSError(_EBADF)
        if self._file is None:
            self._take(_ask("udp_open", port=self._port, is_bound=self._port != 0)[0])
        return self._file

    def sendto(self, data, address):
        if isinstance(data, str):
            data = data.encode()
        self._datagrams()
        to = {"line": self._line, "host": _resolve(address[0]), "port": int(address[1])}
        return _ask("udp_send", bytes(data), **to)[0]["sent"]

    def recvfrom(self, size):
        """(data, address); what does not fit into ``size`` is lost with a datagram."""
        if self._type == SOCK_STREAM:
            return self.recv(size), None
        file, deadline = self._datagrams(), self._deadline()
        while True:
            self._bell(file, deadline)
            try:
                answer, data = _ask("udp_take", line=self._line)
            except OSError as fault:
                if fault.errno != _EAGAIN:
                    raise
            else:
                return data[:size], tuple(answer["address"])

    def _bell(self, file, deadline):
        """Wait for the next byte of a bell."""
        while True:
            byte = file.read(1)
            if byte:
                return
            if byte is not None:
                raise OSError(_EBADF)
            self._wait(_POLLIN, deadline)

    # ---- server ----

    def bind(self, address):
        if self._is_closed:
            raise OSError(_EBADF)
        self._port = int(address[1])
        if self._type == SOCK_DGRAM:
            self._datagrams()

    def listen(self, backlog=5):
        if self._is_closed:
            raise OSError(_EBADF)
        answer, _ = _ask("sock_listen", port=self._port, backlog=backlog)
        self._take(answer)
        self._port = answer["port"]
        self._is_listening = True

    def accept(self):
        """(socket, address) of the next connection."""
        if not self._is_listening:
            raise OSError(_EBADF if self._is_closed else _EINVAL)
        file, deadline = self._open_file(), self._deadline()
        while True:
            self._bell(file, deadline)
            try:
                answer, _ = _ask("sock_accept", line=self._line)
            except OSError as fault:
                if fault.errno != _EAGAIN:
                    raise
            else:
                taken = socket()
                taken._take(answer)
                return taken, tuple(answer["address"])

    # ---- state ----

    def settimeout(self, seconds):
        if seconds is not None and seconds < 0:
            raise ValueError("timeout value out of range")
        self._timeout_ms = None if seconds is None else int(seconds * 1000)

    def setblocking(self, flag):
        self._timeout_ms = None if flag else 0

    def setsockopt(self, level, option, value):
        if self._is_closed:
            raise OSError(_EBADF)

    def getsocketsta(self):
        """State of the connection as TCP counts them; -1 when it was closed."""
        if self._is_closed:
            return -1
        return _life.calls.ask("sock_state", line=self._line)[0] if self._file is not None else 0

    def makefile(self, mode="rb", buffering=0):
        """The socket itself: it has the methods of a file."""
        return self

    def fileno(self):
        return self._fd if self._file is not None else -1

    def close(self):
        self._is_closed = True
        self._is_connecting = self._is_listening = False
        self._let_go()

    def ioctl(self, request, argument):
        """What ``uselect`` asks."""
        if request == _IOCTL_CLOSE:
            self.close()
            return 0
        if self._type == SOCK_DGRAM and self._file is None and not self._is_closed:
            self._datagrams()
        if request == _IOCTL_FILENO:
            return -_EINVAL if self._is_connecting or self._file is None else self._fd
        if request != _IOCTL_POLL:
            return -_EINVAL
        return self._ready(argument)

    def _ready(self, wanted):
        if self._is_connecting:
            if not _wait(self._fd, _POLLIN, _ticks_ms()):
                return 0
            try:
                self._settle(None)
            except OSError as fault:
                self._fault = fault.errno
                return _POLLERR | _POLLHUP | wanted & _POLLOUT
        if self._file is None:
            return _POLLNVAL if self._is_closed else _POLLHUP
        poll = _new_poll()
        poll.register(self._fd, wanted)
        found = poll.poll(0)
        return found[0][1] if found else 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __repr__(self):
        return "<socket state=%d>" % self.getsocketsta()
