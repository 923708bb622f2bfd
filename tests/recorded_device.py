"""Plays a recorded device against a whole platform, over TCP, and gives what the platform made of it.

A recording is a list of lines as in ``quecthing-recordings.jsonl``. What the device said goes up as it was, but for its
name and its password: every recording is a device of its own, and the platform issues its own secrets. Where the
recorded platform spoke, ours is made to: at an offer the clock goes to the next mark of the grid, at a URL it goes on
until ours sends one. The recorded download is asked for byte by byte as the device asked, at the address ours named.

Further words in ``mqtt`` than the recordings have: RAW (bytes of whole packets), PING, AWAIT (a packet that must come,
by the name of its class).
"""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from moduline.errors import BadFormat
from moduline.wire.mqtt import packets as mqtt
from moduline.wire.mqtt.decode import Decoder, Need
from moduline.wire.mqtt.encode import encode
from moduline.wire.quecthing import credentials, messages
from moduline.wire.quecthing import frame as frames
from moduline.wire.quecthing.credentials import DeviceName
from moduline.wire.quecthing.ota_messages import Firmware, Offer
from moduline.wire.quecthing.session_key import encrypt, open_frame
from moduline.wire.quecthing.sys_messages import Configuration, ErrorNotice, ReadInformation
from wire.quecthing import recorded

WAIT_S = 60.0
LOOK_S = 0.25
STEP_S = 10.0
LONG_STEP_S = 60.0
OFFER, URL, CONFIGURATION, NOTICE, ASK = 0x0111, 0x0113, 0x00B4, 0x00A3, 0x0041


class RecordedDevice:
    """One device of one product of an ``OtaSite``.

    Args:
        site: the platform.
        product: as the operator's interface shows it.
        ps: its secret.
        dk: device key; stands for the recorded one everywhere.
    """

    def __init__(self, site, product, ps, dk):
        self.site, self.product, self.ps, self.dk = site, product, ps, dk
        self.name = DeviceName(product["pk"], dk)
        self.client_id = credentials.client_id(self.name)
        self.ds, self.key = "", None
        self.plan = None
        self.inbox = []  # what the platform said and nobody has asked for
        self.said = []  # everything it said
        self.downloads = []  # (status line, bytes)
        self.firmware = None
        self.asked = 0  # how often our platform had the moment of a recorded offer
        self._socket, self._old = None, []
        self._number = 0

    # -- lines

    def play(self, lines, plan):
        """Play a recording; ``plan`` is given to the platform before its first offer."""
        self._wanted = plan
        self.content = content_of(lines)
        before = lines[0].t if lines else 0.0
        for line in lines:
            self._pass(line.t - before)
            before = line.t
            if line.http:
                self._download(line.http)
            else:
                getattr(self, f"_{line.dir}_{line.mqtt}".lower().rstrip("_"))(line)
        if self._socket is not None and lines[-1].mqtt != "CONNECT":
            self._close(None)
        for old in self._old:
            old.close()
        self._old.clear()

    def _pass(self, seconds):
        """The recorded time, in steps: what the platform does by time happens when it is due."""
        while seconds >= 1.0:
            step = min(seconds, STEP_S if seconds < LONG_STEP_S else LONG_STEP_S)
            self.site.turn(step)
            seconds -= step

    def _up_connect(self, line):
        body = line.data
        end = 12 + int.from_bytes(body[10:12], "big")
        form, flag = body[end + 2 : end + 3].decode(), body[end + 4 : end + 8].decode()
        password = (
            credentials.later_password(self.ds, self.ps, "A1b2C3d4E5f6G7h8", flag)
            if form == "1"
            else credentials.first_password(self.name, self.ps, "A1b2C3d4E5f6G7h8", flag)
        )
        if self._socket is not None:
            self._old.append(self._socket)  # the platform has to end it
        self._socket = socket.create_connection(("127.0.0.1", self.site.addresses.mqtt), WAIT_S)
        self._decoder, self.key = Decoder(), None
        self._write(mqtt.Connect(self.client_id, 0, password=password))  # 0: the clock of the test leaps

    def _down_connack(self, line):
        answer = self._packet(mqtt.ConnAck)
        if line.code == 0:
            assert answer.code is mqtt.ConnectCode.ACCEPTED

    def _up_subscribe(self, line):
        self._write(mqtt.Subscribe(self._next(), ((self._topic(line.topic), line.qos),)))
        assert self._packet(mqtt.SubAck).codes == (line.qos,)

    def _up_publish(self, line):
        number = self._next()
        self._write(
            mqtt.Publish(self._topic(line.topic), self._payload(line.data), line.qos, number if line.qos else None)
        )
        if line.qos == 1:
            assert self._packet(mqtt.PubAck) == mqtt.PubAck(number)
        elif line.qos == 2:
            assert self._packet(mqtt.PubRec) == mqtt.PubRec(number)
            self._write(mqtt.PubRel(number))
            assert self._packet(mqtt.PubComp) == mqtt.PubComp(number)

    def _up_raw(self, line):
        self._write(line.data.replace(recorded.CLIENT_ID.encode(), self.client_id.encode()))

    def _up_ping(self, _):
        self._write(mqtt.PingReq())
        self._packet(mqtt.PingResp)

    def _up_await(self, line):
        self._packet(getattr(mqtt, line.topic))

    def _down_publish(self, line):
        said = open_frame(line.data, recorded.SESSION_KEY)
        if said.command == CONFIGURATION:
            self._message(Configuration)
        elif said.command == NOTICE:
            self._message(ErrorNotice)
        elif said.command == OFFER:
            self._offered(messages.decode(said))
        elif said.command == URL:
            self._given()
        elif said.command == ASK:
            self._message(ReadInformation)

    def _close(self, _):
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            self.site.until(lambda: not self.device()["is_online"])

    # -- what the recorded platform did

    def _offered(self, recorded_offer):
        self.asked += 1
        if self.plan is None:
            self.plan = self._wanted(self, recorded_offer)
        if not self._has(Offer):
            self.site.until(lambda: bool(self.device()["versions"]))
            self.site.to_grid()
        offer = self._message(Offer)
        wanted = [(one.component, one.target, one.type) for one in recorded_offer.components]
        assert [(one.component, one.target, one.type) for one in offer.components] == wanted

    def _given(self):
        for _ in range(30):
            if self._has(Firmware):
                break
            self.site.turn(21)
        self.firmware = self._message(Firmware)

    def _download(self, head):
        if self.firmware is None:
            return
        url = urlsplit(self.firmware.url or self.firmware.files[0].url)
        path = head.split(" ")[1]
        wire = head.replace(path, url.path, 1).replace("127.0.0.1:18401", url.netloc)
        with socket.create_connection((url.hostname, url.port), WAIT_S) as peer:
            peer.settimeout(WAIT_S)
            peer.sendall(wire.encode())
            data = b""
            while b"\r\n\r\n" not in data:
                data += peer.recv(65536)
            said, _, body = data.partition(b"\r\n\r\n")
            (length,) = [int(one[16:]) for one in said.split(b"\r\n") if one.startswith(b"Content-Length: ")]  # trap 4
            while len(body) < length:
                body += peer.recv(65536)
        self.downloads.append((said.split(b"\r\n")[0].decode(), body))

    def leave(self):
        """Ends the plan, so that the grid has less to look at."""
        if self.plan is not None and self.site.get(f"/v1/plans/{self.plan['id']}")["state"] == "running":
            self.site.post(f"/v1/plans/{self.plan['id']}/terminate")

    # -- the wire

    def _topic(self, topic):
        return topic.replace(recorded.CLIENT_ID, self.client_id)

    def _payload(self, data):
        """As recorded; what was under the recorded session key is put under ours."""
        if data[:2] == b"\xaa\xaa" or self.key is None:
            return data
        try:
            frame = open_frame(data, recorded.SESSION_KEY)
        except BadFormat:
            return data
        return encrypt(self.key, frames.encode(frame))

    def _next(self):
        self._number += 1
        return self._number

    def _write(self, *packets):
        self._socket.sendall(b"".join(one if isinstance(one, bytes) else encode(one) for one in packets))

    def _read(self, limit_s):
        """One packet into the inbox, with what it needs as an answer; False when none came."""
        while isinstance(packet := self._decoder.next_packet(), Need):
            self._socket.settimeout(limit_s)
            try:
                data = self._socket.recv(65536)
            except TimeoutError:
                return False
            assert data, "the platform has closed the connection"
            self._decoder.feed(data)
        if not isinstance(packet, mqtt.Publish):
            self.inbox.append(packet)
            return True
        message = messages.decode(open_frame(packet.payload, self.key))
        if packet.packet_id is not None:
            self._write(mqtt.PubAck(packet.packet_id))
        if isinstance(message, Configuration):
            self.ds = message.ds or self.ds
            self.key = message.session_key or self.key
        self.inbox.append(message)
        self.said.append(message)
        return True

    def _take(self, kind):
        for at, one in enumerate(self.inbox):
            if isinstance(one, kind):
                return self.inbox.pop(at)
        return None

    def _packet(self, kind):
        while (found := self._take(kind)) is None:
            assert self._read(WAIT_S), f"no {kind.__name__}; there is {self.inbox}"
        return found

    _message = _packet

    def _has(self, kind):
        while not any(isinstance(one, kind) for one in self.inbox):
            if not self._read(LOOK_S):
                return False
        return True

    def expect_let_in(self):
        """The last CONNECT was accepted."""
        assert self._packet(mqtt.ConnAck).code is mqtt.ConnectCode.ACCEPTED
        self._close(None)

    # -- what the platform made of it

    def device(self):
        found = self.site.get("/v1/devices", product=self.product["id"], limit=1000)["items"]
        return next((one for one in found if one["dk"] == self.dk), {"is_online": False, "versions": [], "facts": {}})

    def upgrade(self):
        return self.site.upgrades(self.plan)[self.dk]

    def end(self):
        """(status, code of the reason)."""
        one = self.upgrade()
        return one["status_name"], one["reason"] and one["reason"]["code"]


def content_of(lines):
    """A file of the size that the recorded platform named."""
    for line in lines:
        if line.dir == "down" and line.hex:
            said = open_frame(line.data, recorded.SESSION_KEY)
            if said.command == URL:
                return bytes(messages.decode(said).size_bytes)
    return bytes(30000)


def plan_of(*, source=False, **more):
    """Makes the plan that an offer of a recording speaks of."""

    def make(device, offer):
        site, components = device.site, []
        for one in offer.components:
            files = []
            for at, content in enumerate((device.content,)):
                sent = site._answer(site.web.put(f"/v1/artifacts/files/p{at}.bin", content=content), 201)
                files.append({"name": f"p{at}.bin", "sha256": sent["sha256"]})
            name = f"{device.dk} {one.component[:8]} {one.target[:8]}"
            made = site.post(
                "/v1/artifacts",
                name=name,
                type=one.type,
                target=one.target,
                source=(one.source or "") if source else "",
                files=files,
            )
            components.append({"component": one.component, "releases": [{"artifact": made["id"]}]})
        plan = site.post(
            "/v1/plans",
            name=f"plan of {device.dk} {device.asked}",
            product=device.product["id"],
            components=components,
            **({"zone": "UTC", "start": "2027-01-15T00:00", "end": "2028-01-15T00:00", "white": [device.dk]} | more),
        )
        return site.post(f"/v1/plans/{plan['id']}/activate")

    return make
