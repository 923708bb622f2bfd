"""One MQTT 3.1.1 connection: packets out, events in; nothing waits in here but for room to write.

Differs from a general client: a password without a user name, one subscription, packet numbers from 1 on each
connection. Quality 1 and 2 in both directions.

Source: ota-semantics 11.1; MQTT 3.1.1 chapters 2 and 3.
"""

import _thread

import uselect

CONNACK, SUBACK, MESSAGE, RECEIVED, PONG = "connack", "suback", "message", "received", "pong"

_MAX_PACKET = 8192
_MAX_EVENTS = 32  # of one call: a server that never stops sending does not keep the rest from its turn
_PIECE = 512
_WRITE_MS = 10000


def _field(text):
    data = text.encode() if isinstance(text, str) else text
    return bytes((len(data) >> 8, len(data) & 0xFF)) + data


def packet(kind, body):
    """A packet with its length."""
    size, head = len(body), bytearray((kind,))
    while True:
        size, digit = size >> 7, size & 0x7F
        head.append(digit | 0x80 if size else digit)
        if not size:
            return bytes(head) + body


class Link:
    """A connection over a socket that does not block."""

    def __init__(self, sock):
        self.sock = sock
        self.is_open = True
        self._in = bytearray()
        self._number = 0
        self._held = []  # numbers of QoS 2 messages that came and are not released yet
        self._gate = _thread.allocate_lock()  # scripts publish from their own threads

    # ---- out ----

    def connect(self, client_id, password, keepalive):
        head = b"\x00\x04MQTT\x04\x42" + bytes((keepalive >> 8, keepalive & 0xFF))
        self._write(packet(0x10, head + _field(client_id) + _field(password)))

    def subscribe(self, topic):
        self._write(packet(0x82, self._next() + _field(topic) + b"\x01"))

    def publish(self, topic, data, qos):
        """The packet's number, 0 with quality 0."""
        number = self._next() if qos else b""
        self._write(packet(0x30 | qos << 1, _field(topic) + number + data))
        return number[0] << 8 | number[1] if qos else 0

    def ping(self):
        self._write(b"\xc0\x00")

    def close(self):
        """Take leave, if that is still possible."""
        try:
            self._write(b"\xe0\x00", 500)
        except OSError:
            self._in = bytearray()
        self.abort()

    def abort(self):
        """End it; whoever writes or reads from now on gets an OSError."""
        self.is_open = False
        self.sock.close()

    def _next(self):
        self._number = self._number % 0xFFFE + 1
        return bytes((self._number >> 8, self._number & 0xFF))

    def _write(self, data, limit_ms=_WRITE_MS):
        rest = memoryview(data)
        self._gate.acquire()
        try:
            while len(rest):
                count = self.sock.write(rest)
                if count:
                    rest = rest[count:]
                elif not _has_room(self.sock, limit_ms):
                    raise OSError(110)
        finally:
            self._gate.release()

    # ---- in ----

    def receive(self):
        """The events of what has come; OSError when the connection is over or what comes is no MQTT."""
        events = []
        while True:
            piece = some(self.sock, _PIECE)
            if piece:
                self._in.extend(piece)
            while True:
                taken = self._take()
                if taken is None:
                    break
                self._judge(taken[0], taken[1], events)
            if len(events) >= _MAX_EVENTS:
                return events
            if piece is None or len(piece or b"") < _PIECE:
                if piece == b"" and not events:
                    raise OSError(104)
                return events

    def _take(self):
        """(first byte, body) of the next whole packet, None when there is none yet."""
        data, size, at = self._in, 0, 1
        while True:
            if at >= len(data):
                return None
            size |= (data[at] & 0x7F) << 7 * (at - 1)
            if size > _MAX_PACKET or at > 4:
                raise OSError(104)
            at += 1
            if not data[at - 1] & 0x80:
                break
        if len(data) < at + size:
            return None
        body = bytes(data[at : at + size])
        kind = data[0]
        self._in = data[at + size :]
        return kind, body

    def _judge(self, head, body, events):
        kind = head >> 4
        if kind == 3:
            self._message(head >> 1 & 3, body, events)
            return
        if kind not in (2, 4, 5, 6, 7, 9, 13) or (kind != 13 and len(body) < 2):
            raise OSError(104)
        number = (body[0] << 8 | body[1]) if body else 0
        if kind == 2:
            events.append((CONNACK, body[1]))
        elif kind == 9:
            events.append((SUBACK, body[-1]))
        elif kind == 13:
            events.append((PONG,))
        elif kind == 4:
            events.append((RECEIVED, number))
        elif kind == 5:
            events.append((RECEIVED, number))
            self._write(b"\x62\x02" + body[:2])
        elif kind == 6:
            if number in self._held:
                self._held.remove(number)
            self._write(b"\x70\x02" + body[:2])

    def _message(self, qos, body, events):
        if len(body) < 2:
            raise OSError(104)
        at = 2 + (body[0] << 8 | body[1])
        end = at + (2 if qos else 0)
        if qos > 2 or len(body) < end:
            raise OSError(104)
        number = (body[at] << 8 | body[at + 1]) if qos else 0
        is_new = qos < 2 or number not in self._held
        if qos == 1:
            self._write(b"\x40\x02" + body[at:end])
        elif qos == 2:
            if is_new:
                self._held.append(number)
                if len(self._held) > 64:
                    raise OSError(104)
            self._write(b"\x50\x02" + body[at:end])
        if is_new:
            events.append((MESSAGE, body[2:at], body[end:]))


def some(sock, count):
    """What has come, empty at the end, None when there is nothing."""
    try:
        return sock.read(count)
    except OSError as fault:
        if fault.args[0] == 11:  # ports that raise where others give None
            return None
        raise


def _has_room(sock, limit_ms):
    waiting = uselect.poll()
    waiting.register(sock, uselect.POLLOUT)
    return bool(waiting.poll(limit_ms))
