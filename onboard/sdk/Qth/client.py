"""The device at the platform: one thread that connects, listens, and works on what is due.

Order after a connection stands: ``devEvent(2, 0)`` (a script that asks for a plan there is heard first), 0x0034,
0x0044, then a result that could not be told before.

Differs from the vendor's SDK: delays are chosen here where the reference has none. Not modelled: bind codes,
sub-devices, location.

Source: ota-semantics 11, 12; device-api 13.
"""

import _thread
import sys

import uselect
import utime

from . import cipher, device, frame, link, place
from .ota import PLAN, REQUEST, URL, Ota, version_pairs
from .store import Store

NETWORK, PLATFORM, RESET = 1, 2, 3
NO_NETWORK, NO_ANSWER, UNKNOWN = -17921, -4353, -5905
AUTH_CODES = {  # code of 0x00A3 -> result of devEvent
    10422: -5891,
    10423: -5892,
    10424: -5893,
    10425: -5894,
    10426: -5895,
    10427: -5894,
    10428: -5889,
    10429: -5889,
    10430: -5896,
    10431: -5897,
}
_TOLERATED = (10428, 10429)
_SLICE_MS = 1000
_ANSWER_MS = 20000
_PING_GAP_MS = 5000
_MAX_PINGS = 3
_LONG_MS = 30 * 60 * 1000
_PENALTY_MS = 10 * 60 * 1000
_SHORT_MS = 30000
_TRIAL_MS = 5000
_STACK = 16 * 1024


class Refused(Exception):
    """This connection has to end: (result of devEvent or None, delay in ms; None: never again)."""


class Client:
    """See the head of this file; ``Qth`` has the one object."""

    def __init__(self):
        self.pk = self.ps = ""
        self.server = "mqtts://iot-south.quectelcn.com:8883"
        self.lifetime = 120
        self.with_session = False
        self.events = {}
        self.info, self.results, self.versions, self._names = {}, {}, {}, []
        self.folder = "/usr"
        self.store = self.ota = self._link = self._session = None
        self._server = self._pk = self._ps = ""  # of this connection
        self.is_online = False
        self._round = 0  # counts start and stop; a thread of an earlier round ends
        self._packet = 0
        self._failures = self._refusals = 0
        self._heard = self._pinged = 0
        self._pings = 0

    # ---- what the script asks ----------------------------------------------------------------------------------------

    def start(self):
        if self._round % 2:
            return True
        if self.store is None:
            self.store = Store(self.folder)
            self.ota = Ota(self, self.store)
            self.ota.wake()
            for name in self._names:  # told before: it may be what an update of before the restart waits for
                self.ota.version(name, self.versions[name])
        self._round += 1
        self._failures = self._refusals = 0
        size = _thread.stack_size()
        _thread.stack_size(_STACK)
        _thread.start_new_thread(self._run, (self._round,))
        _thread.stack_size(size)
        return True

    def stop(self):
        if self._round % 2:
            self._round += 1
            self._leave()

    def forget(self):
        """A new secret at the next connection, which begins now."""
        if not self.is_online:
            return False
        self.stop()
        self._wipe()
        self._call("devEvent", RESET, 0)
        return self.start()

    def set_version(self, component, version, info, result):
        if component not in self.versions:
            self._names.append(component)
        self.info[component], self.results[component] = info, result
        self.versions[component] = version
        if self.ota is not None:
            self.ota.version(component, version)

    def request(self):
        return self.is_online and bool(self.publish("ota", REQUEST, version_pairs(self.all_versions()), 2))

    def act(self, action):
        return self.is_online and self.ota.action(action)

    def read(self, address, count):
        return self.ota.read(address, count) if self.ota is not None else None

    def send(self, command, payload, qos, packet=0):
        """A message of the script; False when it is not on its way."""
        return self.is_online and self._send("bus", command, payload, qos, packet) is not None

    # ---- what the parts ask ------------------------------------------------------------------------------------------

    def all_versions(self):
        return device.firmware_version(), self.component_versions()

    def component_versions(self):
        return ";".join(["%s:%s" % (name, self.versions[name]) for name in self._names])

    def publish(self, topic, command, pairs, qos):
        """Number of the MQTT packet; 0 when it could not be sent."""
        return self._send(topic, command, frame.encode(pairs), qos, 0) or 0 if self.is_online else 0

    def tell_plan(self, plans):
        self._call_one(self.events.get("ota", {}).get("otaPlan"), plans)

    def tell_result(self, component, kind, is_good):
        if kind:
            self._call_one(self.results.get(component), component, is_good)
        else:
            self._call_one(self.events.get("ota", {}).get("fotaResult"), component, is_good)

    def tell_piece(self, component, first, count):
        self._call_one(self.events.get("ota", {}).get("sotaPiece"), component, first, count)

    def tell_info(self, component, target, url, size, md5, crc):
        told = (url, size, md5, crc) if device.INFO_HAS_SIZE else (url, md5, crc)
        self._call_one(self.info.get(component), component, target, *told)

    # ---- the thread --------------------------------------------------------------------------------------------------

    def _is_mine(self, turn):
        return self._round == turn

    def _run(self, turn):
        delay = 0
        while self._is_mine(turn):
            try:
                self._pause(turn, delay)
                delay = self._connect_once(turn) if self._is_mine(turn) else 0
            except Refused as refusal:
                result, delay = refusal.args
                if self._is_mine(turn):
                    self._leave()
                    if result is not None:
                        self._call("devEvent", PLATFORM, result)
                        delay = self._missed(delay)
            except Exception as fault:  # no memory, or a fault of the SDK: said, and a new connection
                sys.print_exception(fault)
                delay = self._backoff()
                if self._is_mine(turn):
                    self._drop()

    def _pause(self, turn, delay):
        if delay is None:
            delay = 1 << 28  # nothing but a new start helps
        end = utime.ticks_add(utime.ticks_ms(), delay)
        while self._is_mine(turn) and utime.ticks_diff(end, utime.ticks_ms()) > 0:
            self._work(min(_SLICE_MS, max(1, utime.ticks_diff(end, utime.ticks_ms()))))

    def _missed(self, delay):
        """A place the platform named was not reached: the next try comes soon, at last back at the script's."""
        record = self.store.record
        if place.tries_left(record) is None:
            return delay
        place.missed(record)
        self.store.write()
        return _TRIAL_MS

    def _connect_once(self, turn):
        """One connection, to its end; gives the delay before the next one."""
        try:
            self._server, self._pk, self._ps = place.where(self.store.record, self.server, self.pk, self.ps)
            scheme, host, port, _ = device.split_url(self._server)
            sock = device.connect(scheme, host, port)
        except (OSError, ValueError):
            if self._is_mine(turn):
                self._call("devEvent", NETWORK, NO_NETWORK)
            return self._missed(self._backoff())
        if not self._is_mine(turn):  # stopped meanwhile; another thread may be at work
            sock.close()
            return 0
        self._link = link.Link(sock)
        self._session, self._packet, self._pings = None, 0, 0
        self._call("devEvent", NETWORK, 0)
        try:
            self._enter()
            self._listen(turn)
        except OSError:
            if not self._is_mine(turn):
                return 0
            was_online = self.is_online
            self._drop()
            if was_online:
                self._call("devEvent", NETWORK, NO_NETWORK)
        return self._missed(self._backoff())

    def _backoff(self):
        """2, 4, 8 ... seconds, a little less by chance; half an hour after six failures."""
        self._failures += 1
        if self._failures > 6:
            return _LONG_MS
        return (1000 << self._failures) * (75 + utime.ticks_us() % 25) // 100

    def _enter(self):
        dk, ds = device.device_key(), self._secret()
        flag, random = "0001" if self.with_session else "0000", cipher.make_random()
        if ds:
            password = cipher.password_to_connect(self._ps, ds, random, flag)
        else:
            password = cipher.password_to_authenticate(self._pk, self._ps, dk, random, flag)
        client_id = "qd" + self._pk + dk
        self._link.connect(client_id, password, self.lifetime)
        self._topics = ("q/2/d/%s/" % client_id, "q/1/d/%s/" % client_id)
        self._is_new = not ds
        self._begun = self._heard = utime.ticks_ms()

    def _listen(self, turn):
        connection = self._link
        while self._is_mine(turn):
            self._work(self.ota.left_ms(_SLICE_MS))
            if not self._is_mine(turn):
                return
            for event in connection.receive():
                self._heard = utime.ticks_ms()
                self._pings = 0
                if not self._is_mine(turn):
                    return
                self._meet(event)
            if not self.is_online and utime.ticks_diff(utime.ticks_ms(), self._begun) > _ANSWER_MS:
                raise OSError(110)
            self._keep_alive()

    def _work(self, limit_ms):
        """Wait for the network, at most so long; then do what is due."""
        fetch, waiting, count = self.ota.fetch, uselect.poll(), 0
        connection = self._link
        for sock in (connection and connection.is_open and connection.sock, fetch and fetch.sock):
            if sock:
                waiting.register(sock, uselect.POLLIN)
                count += 1
        if fetch is not None and fetch.sock is None:
            limit_ms = 0
        if count:
            waiting.poll(limit_ms)
        elif limit_ms:
            utime.sleep_ms(limit_ms)
        self.ota.tick()

    def _keep_alive(self):
        """Ping after half of the keep-alive less ten seconds; three without an answer end the connection."""
        now = utime.ticks_ms()
        gap = _PING_GAP_MS if self._pings else max(1000, (self.lifetime - 20) * 500)
        if utime.ticks_diff(now, self._pinged if self._pings else self._heard) < gap:
            return
        if self._pings >= _MAX_PINGS:
            raise OSError(110)
        self._pings += 1
        self._pinged = now
        self._link.ping()

    # ---- what comes --------------------------------------------------------------------------------------------------

    def _meet(self, event):
        kind = event[0]
        if kind == link.CONNACK:
            self._admitted(event[1])
        elif kind == link.SUBACK:
            if event[1] > 2:
                raise OSError(104)
            if not self._is_new:
                self._online()
        elif kind == link.RECEIVED:
            self.ota.received(event[1])
        elif kind == link.MESSAGE:
            try:
                self._message(event[2])
            except ValueError:  # not a message: dropped
                return

    def _admitted(self, code):
        if code == 0:
            self._link.subscribe(self._topics[1] + "+")
            return
        self._refusals += 1
        if code == 1:
            raise Refused(-17924 - code, _PENALTY_MS * self._refusals)
        if place.tries_left(self.store.record) is None:
            self._wipe()
        raise Refused(-17924 - min(code, 5), None)

    def _message(self, data):
        try:
            packet, command, payload = frame.parse(data)
        except ValueError:
            if self._session is None:
                raise
            packet, command, payload = frame.parse(self._session.open(data))
        if command == 0x00B4:
            self._configure(frame.decode(payload))
        elif command == 0x00A3:
            self._complaint(frame.decode(payload))
        elif not self.is_online:
            return
        elif command == PLAN:
            self.ota.plan(frame.decode(payload))
        elif command == URL:
            self.ota.url(frame.decode(payload))
        elif command == 0x0031:
            self._reply(packet, 0x0032, device.status(), payload)
        elif command == 0x0041:
            self._reply(packet, 0x0042, device.information(self.component_versions()), payload)
        elif command == 0x0024:
            self._call("recvTrans", payload)
        elif command == 0x0013:
            self._call("recvTsl", dict(frame.decode(payload)))
        elif command == 0x0011:
            self._call("readTsl", _numbers(payload), packet)

    def _reply(self, packet, command, rows, wanted):
        numbers = _numbers(wanted)
        chosen = [row for row in rows if not numbers or row[0] in numbers]
        self._send("sys", command, frame.encode(chosen), 1, packet)

    def _configure(self, pairs):
        key = frame.first(pairs, 6)
        if self.with_session and isinstance(key, bytes) and len(key) == 16:
            self._session = cipher.Session(key)
        secret = frame.text(pairs, 10, 32) or frame.text(pairs, 5, 32)
        if secret:
            self.store.record["ds"], self.store.record["pk"] = secret, self._pk
        is_again = frame.first(pairs, 9) is True
        if is_again:
            self.store.record.pop("ds", None)
        is_moved = place.told(self.store.record, pairs, self._server)
        self.store.write()
        if is_again or is_moved:
            raise Refused(None, 0)
        if secret and self._is_new:
            self._is_new = False
            self._online()

    def _complaint(self, pairs):
        code = frame.whole(pairs, 1) or 0
        result = AUTH_CODES.get(code, UNKNOWN)
        if code in _TOLERATED:
            self._call("devEvent", PLATFORM, result)
            return
        self._refusals += 1
        raise Refused(result, _SHORT_MS if self._refusals == 1 else _PENALTY_MS * self._refusals)

    def _online(self):
        if self.is_online:
            return
        self.is_online = True
        self._failures = self._refusals = 0
        place.reached(self.store.record)
        self.store.write()
        self._call("devEvent", PLATFORM, 0)
        self.publish("sys", 0x0034, device.status(), 1)
        self.publish("sys", 0x0044, device.information(self.component_versions()), 1)
        self.ota.online()

    # ---- small -------------------------------------------------------------------------------------------------------

    def _send(self, topic, command, payload, qos, packet):
        """Number of the MQTT packet (0 for quality 0); None when it could not be sent."""
        connection = self._link
        if connection is None or not connection.is_open:
            return None
        if not packet:
            self._packet = packet = self._packet % 0xFFFE + 1
        data = frame.build(packet, command, payload)
        if self._session is not None:
            data = self._session.close(data)
        try:
            return connection.publish(self._topics[0] + topic, data, qos)
        except OSError:
            return None

    def _secret(self):
        """Of this product; a new place that did not take it gets an authentication."""
        record = self.store.record
        left = place.tries_left(record)
        is_ours = record.get("pk") == self._pk and (left is None or left == place.TRIES)
        return record.get("ds") if is_ours else None

    def _wipe(self):
        self.store.record.pop("ds", None)
        self.store.write()

    def _leave(self):
        connection = self._link
        self.is_online = False
        if connection is not None and connection.is_open:
            connection.close()

    def _drop(self):
        self.is_online = False
        if self._link is not None:
            self._link.abort()

    def _call(self, name, *values):
        self._call_one(self.events.get(name), *values)

    def _call_one(self, callback, *values):
        """What a callback raises is printed and changes nothing."""
        if callback is not None:
            try:
                callback(*values)
            except Exception as fault:
                sys.print_exception(fault)


def _numbers(payload):
    """The list of 16-bit numbers of a question."""
    return [payload[at] << 8 | payload[at + 1] for at in range(0, len(payload) - 1, 2)]
