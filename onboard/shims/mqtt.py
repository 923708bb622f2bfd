"""``umqtt``: the module's MQTT 3.1 and 3.1.1 client.

Modelled: connect, last will, publish and subscribe with quality of service 0 and 1, keep-alive by a thread of its own,
the built-in reconnection, ``error_register_cb``, ``get_mqttsta``. An acknowledgement of ``publish`` is read by whoever
is in ``wait_msg`` or ``check_msg``, as on the module: without such a thread ``publish`` with quality 1 waits five
seconds in vain and says so in the log, and a ping's answer is missed. Differs: a connection that the server closed is
noticed by ``wait_msg`` at once when the client reconnects by itself; on the module only when the next ping is due.

Not modelled: quality of service 2, which the module refuses too; BG95's client.

Source: device-api 12.3.
"""

import _thread

import log as _log
import usocket as _socket
import ustruct as _struct
import utime as _utime

_ORDER = ("MQTTClient", "MQTTException")

_logger = _log.getLogger("MQTT")

_CONNECTED, _RECONNECTING, _CLOSED_BY_SERVER, _FAILED = 0, 1, 2, -1
_ETIMEDOUT, _ECONNRESET, _ENOTCONN, _EAGAIN = 110, 104, 107, 11
_CONNECT_TIMEOUT_S = 20
_ANSWER_MS = 5000
_DNS_ATTEMPTS = 5
_DNS_PAUSE_MS = 500
_LOOK_S = 5  # how often the keep-alive thread looks
_EARLY_S = 3  # it pings so long before the server would miss it
_RETRY_S = 5
_BUSY = object()


class MQTTException(Exception):
    """The server refused; its code is the argument."""


def _bytes(text):
    return text.encode() if isinstance(text, str) else bytes(text)


def _field(text):
    text = _bytes(text)
    return _struct.pack("!H", len(text)) + text


def _packet(kind, body):
    size, length = len(body), b""
    while True:
        size, digit = size >> 7, size & 0x7F
        length += bytes([digit | 0x80 if size else digit])
        if not size:
            return bytes([kind]) + length + body


def _moment():
    return "%d-%d-%d %d:%d:%d" % tuple(_utime.localtime()[:6])


class MQTTClient:
    """One connection to a server; see the module's pages for the meaning of the parameters."""

    def __init__(
        self, client_id, server, port=0, user=None, password=None, keepalive=0, ssl=False, ssl_params=None, reconn=True,
        version=4, pingmaxnum=0,
    ):  # fmt: skip
        if 0 < keepalive < 5:
            raise ValueError("inport parameter error : keepalive >= 5S")
        self.client_id = client_id
        self.server = server
        self.port = port or (8883 if ssl else 1883)
        self.user = user
        self.pswd = password
        self.keepalive = keepalive
        self.ssl = ssl
        self.ssl_params = ssl_params
        self.reconn = reconn
        self.mqttversion = version
        self.pingmaxnum = pingmaxnum
        self.sock = None
        self.cb = None
        self.error_callback = None
        self.clean_session = True
        self.topic_list = []
        self._qualities = {}
        self._will = None
        self._number = 0
        self._unanswered = set()  # numbers of messages that wait for PUBACK
        self._granted = {}  # number of a subscription -> what the server granted
        self._is_on = False  # connected and not yet left by disconnect()
        self._has_left = False
        self._is_reconnecting = False
        self._pings_due = 0  # sent without an answer
        self._pinged_s = 0
        self._round = 0  # counts connections; a keep-alive thread of an older one ends
        self._sending = _thread.allocate_lock()
        self._reading = _thread.allocate_lock()
        self._mending = _thread.allocate_lock()

    # ---- settings ----

    def set_callback(self, f):
        self.cb = f

    def error_register_cb(self, func):
        self.error_callback = func

    def set_last_will(self, topic, msg, retain=False, qos=0):
        assert 0 <= qos <= 2
        assert topic
        self._will = (topic, msg, retain, qos)

    # ---- connection ----

    def connect(self, clean_session=True):
        try:
            self._connect(clean_session)
        except Exception as fault:
            self._drop()
            raise ValueError(_complaint(fault))
        if self.keepalive > 0:
            size = _thread.stack_size()
            _thread.stack_size(16 * 1024)
            _thread.start_new_thread(self._keep_alive, (self._round,))
            _thread.stack_size(size)
        return 0

    def _connect(self, clean_session):
        address = self._address()
        self.sock = _socket.socket()
        self.sock.settimeout(_CONNECT_TIMEOUT_S)
        self.sock.connect(address)
        if self.ssl:
            import ussl

            options = dict(self.ssl_params or {})
            options.setdefault("server_hostname", self.server)
            self.sock = ussl.wrap_socket(self.sock, **options)
        self.sock.write(self._hello(clean_session))
        answer = self.sock.read(4)
        if len(answer) < 4:
            raise OSError(_ENOTCONN)
        assert answer[0] == 0x20 and answer[1] == 0x02
        if answer[3]:
            raise MQTTException(answer[3])
        self.sock.setblocking(True)
        self.clean_session = clean_session
        self._pinged_s = _utime.time()
        self._pings_due = 0
        self._unanswered.clear()
        self._granted.clear()
        self._is_on = True
        self._has_left = False
        self._round += 1

    def _address(self):
        for _ in range(_DNS_ATTEMPTS):
            found = _socket.getaddrinfo(self.server, self.port)
            if found:
                return found[0][-1]
            _utime.sleep_ms(_DNS_PAUSE_MS)
        raise ValueError("DNS Parsing NULL")

    def _hello(self, clean_session):
        flags, rest = clean_session << 1, _field(self.client_id) if self.client_id else b"\0\0"
        if self._will is not None:
            topic, message, retain, quality = self._will
            flags |= 0x04 | quality << 3 | bool(retain) << 5
            rest += _field(topic) + _field(message)
        if self.user:
            flags |= 0x80
            rest += _field(self.user)
        if self.pswd:
            flags |= 0x40
            rest += _field(self.pswd)
        name, level = ("MQIsdp", 3) if self.mqttversion == 3 else ("MQTT", 4)
        return _packet(0x10, _field(name) + bytes([level, flags]) + _struct.pack("!H", self.keepalive) + rest)

    def disconnect(self):
        self._has_left = True
        self._is_on = False
        try:
            self._send(b"\xe0\0")
        except Exception:
            _logger.warning("Error requesting to close connection.")
        _utime.sleep_ms(500)
        self._drop()

    def close(self):
        self._drop()

    def _drop(self):
        if self.sock is not None:
            self.sock.close()

    def get_mqttsta(self):
        if self._is_reconnecting:
            return _RECONNECTING
        state = self.sock.getsocketsta() if self.sock is not None else -1
        if state in (0, 2, 3):
            return _RECONNECTING
        if state == 4 and self._is_on:
            return _CONNECTED
        return _CLOSED_BY_SERVER if state in (7, 8) else _FAILED

    # ---- messages ----

    def _send(self, data):
        with self._sending:
            rest = memoryview(data)
            while rest:
                rest = rest[self.sock.write(rest) or 0 :]

    def _next_number(self):
        self._number = self._number % 65535 + 1
        return self._number

    def ping(self):
        self._pinged_s = _utime.time()
        self._pings_due += 1
        self._send(b"\xc0\0")

    def publish(self, topic, msg, retain=False, qos=0):
        assert qos != 2
        body, number = _field(topic), 0
        if qos:
            number = self._next_number()
            body += _struct.pack("!H", number)
            self._unanswered.add(number)
        try:
            self._send(_packet(0x30 | qos << 1 | bool(retain), body + _bytes(msg)))
        except Exception:
            return  # the module's client does not tell either; wait_msg and the keep-alive thread see it
        if qos and not self._wait_answer(number):
            _logger.warning("publish QOS1 message was not received correctly")

    def _wait_answer(self, number):
        began = _utime.ticks_ms()
        while number in self._unanswered:
            if _utime.ticks_diff(_utime.ticks_ms(), began) > _ANSWER_MS:
                return False
            _utime.sleep_ms(20)
        return True

    def subscribe(self, topic, qos=0):
        assert self.cb is not None, "Subscribe callback is not set"
        if topic not in self.topic_list:
            self.topic_list.append(topic)
        self._qualities[topic] = qos
        self._subscribe(topic, qos)

    def _subscribe(self, topic, qos):
        """The answer is read here, or by the thread that waits for messages just now."""
        number = self._next_number()
        self._send(_packet(0x82, _struct.pack("!H", number) + _field(topic) + bytes([qos])))
        began = _utime.ticks_ms()
        while number not in self._granted:
            if _utime.ticks_diff(_utime.ticks_ms(), began) > _ANSWER_MS:
                return
            if self._take_one(_ANSWER_MS // 1000) is _BUSY:
                _utime.sleep_ms(10)
        if self._granted.pop(number) == 0x80:
            raise MQTTException(0x80)

    def check_msg(self):
        return self._wait(0)

    def wait_msg(self):
        return self._wait(None)

    def _wait(self, timeout):
        while not self._has_left:
            number = self._round
            try:
                kind = self._take_one(timeout)
                if kind is not _BUSY:
                    if kind == b"" and self.reconn and not self._has_left:
                        raise OSError(_ECONNRESET)
                    return kind or None
            except Exception:
                if self._has_left:
                    return None
                if not self.reconn:
                    raise
                if number == self._round and not self._is_reconnecting:
                    _logger.warning("[%s] wait msg, Network exception. Trying to reconnect" % _moment())
                self._reconnect(number)
            else:
                if timeout == 0:
                    return None
                _utime.sleep_ms(10)

    def _take_one(self, timeout):
        """The kind of the next packet, which is dealt with; None when there is none, empty at the end."""
        if not self._reading.acquire(0):
            return _BUSY  # another thread does it
        try:
            self.sock.settimeout(timeout)
            try:
                first = self.sock.recv(1)
            except OSError as fault:
                if timeout is None or fault.errno not in (_EAGAIN, _ETIMEDOUT):
                    raise
                return None
            finally:
                self.sock.setblocking(True)
            if not first:
                return first
            body = self.sock.read(self._length())
        finally:
            self._reading.release()
        return self._deal_with(first[0], body)

    def _length(self):
        length = shift = 0
        while True:
            digit = self.sock.read(1)[0]
            length |= (digit & 0x7F) << shift
            if not digit & 0x80:
                return length
            shift += 7

    def _deal_with(self, kind, body):
        if kind == 0xD0:
            self._pings_due = 0
            return b"\xd0"
        if kind == 0x40:
            self._unanswered.discard(body[0] << 8 | body[1])
            return None
        if kind == 0x90:
            self._granted[body[0] << 8 | body[1]] = body[2]
        if kind & 0xF0 != 0x30:
            return kind
        at = 2 + (body[0] << 8 | body[1])
        topic, number = body[2:at], None
        if kind & 6:
            number, at = body[at : at + 2], at + 2
        if self.cb is not None:
            self.cb(topic, body[at:])
        if kind & 6 == 2:
            self._send(b"\x40\x02" + number)
        assert kind & 6 != 4
        return kind

    # ---- keeping it ----

    def _keep_alive(self, number):
        while self._is_on and number == self._round:
            rest = self._pinged_s + max(1, self.keepalive - _EARLY_S) - _utime.time()
            if rest > 0:
                _utime.sleep(min(rest, _LOOK_S))
                continue
            try:
                if self._pings_due > self.pingmaxnum:
                    raise OSError(_ETIMEDOUT)
                self.ping()
            except Exception as fault:
                self._lost(number, fault)
                return

    def _lost(self, number, fault):
        """The keep-alive thread has found the connection broken."""
        if not self._is_on or number != self._round:
            return
        if not self.reconn:
            self._is_on = False
            if self.error_callback is not None:
                self.error_callback("Send ping timeout." if self._pings_due > self.pingmaxnum else str(fault))
            return
        _logger.warning("[%s] Send ping, Network exception. Trying to reconnect" % _moment())
        self._reconnect(number)

    def _reconnect(self, number):
        """Connect and subscribe again, until it works; one thread does it, the others wait."""
        with self._mending:
            if number != self._round or self._has_left:
                return
            self._is_reconnecting = True
            self._tell("reconnect_start")
            try:
                self._mend()
            finally:
                self._is_reconnecting = False
        if not self._has_left:
            self._tell("reconnect_success")

    def _tell(self, what):
        if self.error_callback is not None:
            self.error_callback(what)

    def _mend(self):
        pause = _RETRY_S
        while not self._has_left:
            try:
                self._drop()
                self.connect(self.clean_session)
                for topic in self.topic_list:
                    self._subscribe(topic, self._qualities[topic])
            except Exception:
                _logger.info("[%s] Wait for reconnection." % _moment())
                _utime.sleep(pause)
                pause += 1
            else:
                _logger.info("[%s] Reconnection successful!" % _moment())
                return


def _complaint(fault):
    """What ``connect`` raises."""
    number = fault.errno if isinstance(fault, OSError) else None
    if number == _ECONNRESET:
        return "MQTT Connect Error='%d' Server Actively RST Disconnected.Need Check addr&port" % number
    if number == _ENOTCONN:
        return "MQTT Connect Error='%d' Server Actively FIN Disconnected.Need Check Connection parameters" % number
    if number == _ETIMEDOUT:
        return "MQTT Connect Error='%d' Timeout.Need Check Network" % number
    return "MQTT Connect error='%s' FAIL" % fault
