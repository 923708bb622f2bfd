"""Further sessions in the form of the recordings, as another harness might have recorded them: written from the
reference by an encoder of their own, which shares no code with the product.

Each is ``(lines, end)``; the end is (status of the device in the plan, code of the reason).

Source: ota-semantics 7, 8, 11 to 13; the frames of its section 14.
"""

import hashlib

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from onboard.sdk.platform_peer import frame, value
from wire.quecthing.recorded import CLIENT_ID, SESSION_KEY, Line

UP, DOWN = f"q/2/d/{CLIENT_ID}/", f"q/1/d/{CLIENT_ID}/"
WORDS = {
    1: "REVICEPLAN", 2: "SUBMITOTA", 3: "REFUSEDOTA", 4: "DOWNLOADSTART", 5: "DOWNLOADING", 6: "DOWNLOADERROR",
    8: "DOWNLOADSUCCESS", 9: "UPDATING", 11: "UPDATESUCCESS", 12: "UPDATEERROR",
}  # fmt: skip
GET = "GET /dl/xxxxxxxxxxxxxxxxxxxx HTTP/1.1\r\nHost:127.0.0.1:18401\r\n%s\r\n"
MOD, MCU = ("mod", "V1", "V2", 0), ("mcu1", "V1", "2.0", 1)


def number(identity, whole, digits):
    """A number with decimals; `value` makes those without."""
    size = max(1, (abs(whole).bit_length() + 7) // 8)
    head = (0x80 if whole < 0 else 0) | digits << 3 | size - 1
    return (identity * 8 + 2).to_bytes(2, "big") + bytes([head]) + abs(whole).to_bytes(size, "big")


def item(component, source, target, kind):
    rows = [value(4, component), value(5, source), value(6, target), value(7, kind)]
    return b"".join([*rows, value(8, 30), value(9, 19656), value(10, -113)])


class Scene:
    """Lines, one call each; the frame's packet ids count as a device counts them."""

    def __init__(self):
        self.lines, self.t, self._packet, self._down, self._is_sealed = [], 0.0, 0, 0, False

    def _add(self, **facts):
        self.lines.append(Line("invented", self.t, **facts))
        return self

    def later(self, seconds):
        self.t += seconds
        return self

    # -- the connection

    def connect(self, form=0, flag="0000", keep_alive=60):
        """The password is a stand-in of the right shape: whoever plays this makes the real one."""
        password = b"%d;%s;p000aa;QUJD" % (form, flag.encode())
        name = CLIENT_ID.encode()
        body = b"\x00\x04MQTT\x04\x42" + keep_alive.to_bytes(2, "big")
        body += len(name).to_bytes(2, "big") + name + len(password).to_bytes(2, "big") + password
        self._packet, self._down, self._is_sealed = 0, 0, False
        return self._add(dir="up", mqtt="CONNECT", hex=body.hex())._add(dir="down", mqtt="CONNACK")

    def subscribe(self, qos=1):
        return self._add(dir="up", mqtt="SUBSCRIBE", topic=DOWN + "+", qos=qos)

    def secret(self):
        return self.down("sys", 0x00B4, value(5, "00112233445566778899aabbccddeeff"))

    def seal(self):
        """From now on both directions are encrypted."""
        self._is_sealed = True
        return self

    def close(self):
        return self._add(dir="close")

    def raw(self, data, *answers):
        self._add(dir="up", mqtt="RAW", hex=data.hex())
        for answer in answers:
            self._add(dir="up", mqtt="AWAIT", topic=answer)
        return self

    def ping(self):
        return self._add(dir="up", mqtt="PING")

    def http(self, headers=""):
        return self._add(dir="up", http=GET % headers)

    # -- messages

    def up(self, topic, command, payload=b"", qos=1):
        self._packet += 1
        data = self._sealed(frame(self._packet, command, payload))
        return self._add(dir="up", mqtt="PUBLISH", topic=UP + topic, qos=qos, hex=data.hex())

    def _sealed(self, data):
        if not self._is_sealed:
            return data
        pad = 16 - len(data) % 16
        worker = Cipher(AES(SESSION_KEY), CBC(hashlib.sha256(SESSION_KEY).digest()[:16])).encryptor()
        return worker.update(data + bytes([pad]) * pad) + worker.finalize()

    def bytes_up(self, topic, data, qos=1):
        return self._add(dir="up", mqtt="PUBLISH", topic=UP + topic, qos=qos, hex=data.hex())

    def down(self, topic, command, payload):
        self._down += 1
        data = self._sealed(frame(self._down, command, payload))
        return self._add(dir="down", mqtt="PUBLISH", topic=DOWN + topic, qos=1, hex=data.hex())

    def reports(self, module="V1", mcu=""):
        self.up("sys", 0x0034, value(1, 80) + value(2, 4) + value(3, -71) + value(4, 500000))
        rows = [(1, "SIM1"), (2, module), (3, mcu), (5, "8986"), (11, "2.9.0"), (12, ""), (13, "1.3.0"), (14, "3.0.0")]
        return self.up("sys", 0x0044, b"".join(value(*row) for row in rows))

    def come(self, module="V1", mcu="", form=0, flag="0000"):
        self.connect(form, flag).subscribe()
        return (self.secret() if form == 0 else self).reports(module, mcu)

    def ask(self, module="V1", mcu=""):
        return self.up("ota", 0x0115, value(25, module) + (value(26, mcu) if mcu else b""), 2)

    def offer(self, one=MOD):
        return self.down("ota", 0x0111, item(*one))

    def url(self, component="mod", target="V2", kind=0, size=30000):
        rows = [value(1, "http://127.0.0.1:18401/dl/xxxxxxxxxxxxxxxxxxxx"), value(2, size), value(3, "0" * 32)]
        rows += [value(4, component), value(6, target), value(7, kind), value(15, "ffffffff")]
        return self.down("ota", 0x0113, b"".join(rows))

    def say(self, *codes, component="mod", kind=0, versions=None, sign="", qos=2, word=None):
        for code in codes:
            rows = [value(13, code), value(14, word or WORDS.get(code, "NEW"))]
            rows += [value(7, kind), value(4, component)]
            rows += [value(19, sign)] if sign else []
            if versions:
                rows += [value(at, text) for at, text in zip((25, 26), versions, strict=False) if text]
            self.up("ota", 0x0114, b"".join(rows), qos)
        return self

    def loaded(self):
        """Up to 9, the file fetched as the vendor's client does it."""
        return self.offer().say(1, 2).url().say(4).http("Accept-Ranges: bytes\r\nRange: bytes=0-29999\r\n").say(5, 8, 9)


def grouped(*items):
    """id 28 with the items as structs of seven members."""
    members = [b"\x00\x04\x00\x07" + item(*one) for one in items]
    return b"\x00\xe4" + len(members).to_bytes(2, "big") + b"".join(members)


SCENES = {}


def scene(end):
    """Registers what a function plays."""

    def put(play):
        one = Scene()
        play(one)
        SCENES[play.__name__.replace("_", "-")] = (one.lines, end)
        return play

    return put


UPGRADED = ("upgraded", None)


@scene(UPGRADED)
def asks_before_its_reports(s):
    s.connect().subscribe().secret().ask().reports().loaded().close()
    s.later(20).come("V2", form=1).say(11, versions=("V2",))


@scene(UPGRADED)
def secret_issued_before(s):
    s.come().close().later(3).come(form=1).ask().loaded().close().later(20).come("V2", form=1).say(11, versions=("V2",))


@scene(UPGRADED)
def secret_lost_and_asked_again(s):
    s.come().close().later(40).come().close().later(3).come(form=1).loaded().close()
    s.later(20).come("V2").say(11, versions=("V2",))


@scene(UPGRADED)
def comes_again_while_the_old_connection_stands(s):
    s.come().offer().say(1, 2).url().say(4, 5).later(2).come(form=1).say(5, 8, 9).later(20)
    s.come("V2", form=1).say(11, versions=("V2",))


@scene(UPGRADED)
def success_without_a_version_and_asked_for_it(s):
    s.come().loaded().close().later(20).connect(1).subscribe().say(11).down("sys", 0x0041, b"\x00\x02\x00\x03")
    s.up("sys", 0x0042, value(2, "V2") + value(3, ""))


@scene(UPGRADED)
def success_without_a_version_and_a_request_behind_it(s):
    s.come().loaded().close().later(20).connect(1).subscribe().say(11).ask("V2")


@scene(UPGRADED)
def power_lost_after_flashing_and_11_never_comes(s):
    s.come().loaded().close().later(20).come("V2", form=1)


@scene(UPGRADED)
def says_12_but_runs_the_target(s):
    s.come().loaded().close().later(20).connect(1).subscribe().say(12, versions=("V2",))


@scene(("failed", 252))
def power_lost_while_flashing(s):
    s.come().loaded().close().later(20).come("V1", form=1).say(12, versions=("V1",))


@scene(("failed", 252))
def back_with_the_old_version_and_silent(s):
    s.come().loaded().close().later(20).come("V1", form=1).later(70).ping()


@scene(("failed", 250))
def back_with_a_third_version(s):
    s.come().loaded().close().later(20).come("V9", form=1).say(12, versions=("V9",))


@scene(("failed", 250))
def says_11_with_a_third_version(s):
    s.come().loaded().close().later(20).connect(1).subscribe().say(11, versions=("V9",))


@scene(("failed", 222))
def six_downloads_fail(s):
    s.come().offer().say(1, 2).url().say(4, 5, 6)
    for _ in range(4):
        s.url().say(4, 5, 6)
    s.url().say(4, 5, 12, versions=("V1",))


@scene(UPGRADED)
def one_download_fails_and_the_next_does_not(s):
    s.come().offer().say(1, 2).url().say(4, 5, 6).url().say(4).http("Range: bytes=9000-29999\r\n").say(5, 8, 9).close()
    s.later(20).come("V2", form=1).say(11, versions=("V2",))


@scene(UPGRADED)
def connection_lost_in_a_download_that_goes_on(s):
    s.come().offer().say(1, 2).url().say(4).http().say(5).close().later(4).come(form=1).say(5, 5, 8, 9).close()
    s.later(20).come("V2", form=1).say(11, versions=("V2",))


@scene(UPGRADED)
def restart_in_a_download(s):
    s.come().offer().say(1, 2).url().say(4, 5).close().later(15).come(form=1).say(6).url().say(4, 5, 8, 9).close()
    s.later(20).come("V2", form=1).say(11, versions=("V2",))


@scene(UPGRADED)
def restart_before_the_url(s):
    s.come().offer().say(1, 2).close().later(15).come(form=1).say(6).url().say(4, 5, 8, 9).close()
    s.later(20).come("V2", form=1).say(11, versions=("V2",))


@scene(UPGRADED)
def refuses_and_accepts_an_hour_later(s):
    s.come().offer().say(1, 3).later(3700).ping().offer().say(1, 2).url().say(4, 5, 8, 9).close()
    s.later(20).come("V2", form=1).say(11, versions=("V2",))


def two(s, *mcu_ends):
    """Status 1 and 2 name the last component only."""
    s.come(mcu="mcu1:V1").down("ota", 0x0111, grouped(MCU, MOD)).say(1, 2).url("mcu1", "2.0", 1)
    s.say(4, component="mcu1", kind=1).http().say(5, 8, 9, component="mcu1", kind=1)
    return s.say(mcu_ends[0], component="mcu1", kind=1, versions=("V1", mcu_ends[1]))


@scene(UPGRADED)
def controller_and_module(s):
    two(s, 11, "mcu1:2.0;").url().say(4).http().say(5, 8, 9).close()
    s.later(20).come("V2", "mcu1:2.0", form=1).say(11, versions=("V2", "mcu1:2.0"))


@scene(("failed", 240))
def controller_fails_and_the_module_is_left_alone(s):
    two(s, 12, "mcu1:V1").later(30).ping()


@scene(UPGRADED)
def controller_whose_file_comes_in_pieces(s):
    mcu = {"component": "mcu1", "kind": 1}
    s.come(mcu="mcu1:V1;other:7").offer(MCU).say(1, 2, **mcu).url(*MCU[:1], "2.0", 1)
    for first, last in ((0, 11999), (12000, 23999), (24000, 29999)):
        s.say(4, **mcu).http(f"Accept-Ranges: bytes\r\nRange: bytes={first}-{last}\r\n").say(5, 8, **mcu)
    s.say(9, **mcu).say(11, **mcu, versions=("V1", "mcu1:2.0;other:7;"))


@scene(("failed", 240))
def controller_does_not_read(s):
    mcu = {"component": "mcu1", "kind": 1}
    s.come(mcu="mcu1:V1").offer(MCU).say(1, 2, **mcu).url("mcu1", "2.0", 1).say(4, 5, 8, **mcu).later(60)
    s.say(12, **mcu, versions=("V1", "mcu1:V1"))


@scene(("failed", 260))
def controller_is_not_done_in_twenty_minutes(s):
    mcu = {"component": "mcu1", "kind": 1}
    s.come(mcu="mcu1:V1").offer(MCU).say(1, 2, **mcu).url("mcu1", "2.0", 1).say(4, 5, 8, 9, **mcu).later(1200)
    s.say(12, **mcu, versions=("V1", "mcu1:V1"))


@scene(UPGRADED)
def controller_restarts_in_9_and_tells_by_information(s):
    mcu = {"component": "mcu1", "kind": 1}
    s.come(mcu="mcu1:V1").offer(MCU).say(1, 2, **mcu).url("mcu1", "2.0", 1).say(4, 5, 8, 9, **mcu).close()
    s.later(30).come(mcu="mcu1:2.0", form=1)


@scene(UPGRADED)
def sha256_wanted(s):
    s.come().offer().say(1).say(2, sign="sha256").url().say(4, 5, 8, 9).close()
    s.later(20).come("V2", form=1).say(11, versions=("V2",))


@scene(UPGRADED)
def old_form_of_accepting(s):
    s.come().offer().say(1).up("ota", 0x0112, value(11, True), 2).url().say(4, 5, 8, 9).close()
    s.later(20).come("V2", form=1).say(11, versions=("V2",))


@scene(("not_upgraded", 110))
def old_form_of_refusing_with_a_number(s):
    s.come().offer().say(1).up("ota", 0x0112, value(11, 0) + value(12, 3600), 2)


@scene(UPGRADED)
def every_packet_twice(s):
    """QoS 2 with PUBREC, PUBREL and PUBCOMP lost in turn; a repeated QoS 1 message."""
    s.come().offer().say(1, 2).url()
    for at, code in enumerate((4, 5, 8, 9)):
        name = (UP + "ota").encode()
        rows = value(13, code) + value(14, WORDS[code]) + value(7, 0) + value(4, "mod")
        body = len(name).to_bytes(2, "big") + name + (900 + at).to_bytes(2, "big") + frame(40 + at, 0x0114, rows)
        release = b"\x62\x02" + (900 + at).to_bytes(2, "big")
        packet = (
            bytes([len(body) & 0x7F | 0x80, len(body) >> 7]) + body if len(body) > 127 else bytes([len(body)]) + body
        )
        s.raw(b"\x34" + packet, "PubRec").raw(b"\x3c" + packet, "PubRec")
        s.raw(release, "PubComp").raw(release, "PubComp")
    name = (UP + "sys").encode()
    body = len(name).to_bytes(2, "big") + name + b"\x03\xa0" + frame(60, 0x0034, value(1, 79))
    for head in (b"\x32", b"\x3a"):
        s.raw(head + bytes([len(body)]) + body, "PubAck")
    s.close().later(20).come("V2", form=1).say(11, 11, versions=("V2",))


@scene(UPGRADED)
def releases_before_it_is_told_to(s):
    """PUBLISH and PUBREL in one segment: some clients do not wait."""
    s.come().offer().say(1, 2).url()
    for at, code in enumerate((4, 5, 8, 9)):
        name = (UP + "ota").encode()
        rows = value(13, code) + value(7, 0) + value(4, "mod")
        body = len(name).to_bytes(2, "big") + name + (700 + at).to_bytes(2, "big") + frame(40 + at, 0x0114, rows)
        s.raw(b"\x34" + bytes([len(body)]) + body + b"\x62\x02" + (700 + at).to_bytes(2, "big"), "PubRec", "PubComp")
    s.close().later(20).come("V2", form=1).say(11, versions=("V2",))


@scene(UPGRADED)
def progress_told_often_and_codes_repeated(s):
    s.come().offer().say(1, 1, 2, 2).url().say(4, 4).later(5)
    for _ in range(12):
        s.say(5).later(5)
    s.say(8, 8, 5, 4, 9, 9).close().later(20).come("V2", form=1).say(9, 11, 11, versions=("V2",))


@scene(UPGRADED)
def codes_skipped(s):
    """Silent builds jump from nothing to 4; a lost connection swallows the rest."""
    s.come().offer().say(4, 9).close().later(20).come("V2", form=1)


@scene(UPGRADED)
def qualities_of_other_clients(s):
    s.come().offer().say(1, qos=1).say(2, qos=1).url().say(4, 5, qos=0).say(8, qos=1).say(9, qos=2).close()
    s.later(20).come("V2", form=1).say(11, versions=("V2",), qos=1)


@scene(UPGRADED)
def texts_and_codes_nobody_knows(s):
    s.come().offer().say(1, word="收到计划").say(2, word="").say(7, 10, 13, 255).url().say(4, 5, 8, 9, word="W" * 200)
    s.close().later(20).come("V2", form=1).say(11, versions=("V2",))


@scene(UPGRADED)
def strange_values_between_the_messages(s):
    """Unknown ids, nesting, zero length, negative numbers, truths, decimals, ids said twice; and what is no message."""
    s.connect().subscribe().secret()
    odd = value(200, [value(1, [value(0, -5), value(0, "x")]), value(2, True)]) + value(201, "") + value(8191, False)
    odd += value(202, []) + number(203, 3819999999999999, 15) + number(204, -(1 << 63), 0)
    s.up(
        "sys",
        0x0034,
        odd + value(1, 80) + value(1, 7) + number(2, 3819999999999999, 15) + value(3, -113) + value(4, 500000),
    )
    s.up("sys", 0x0044, value(2, "V1") + odd + value(1, "SIM1"))
    for data in (b"", b"\xaa", b"\xaa\xaa\x00\x05\x00\x00\x01\x01\x14", b"\xff" * 300, frame(3, 0x0114, b"\x00")):
        s.bytes_up("ota", data, 2)
    s.up("ota", 0x0114, value(0, 1) + value(4, "mod") + value(13, "text"), 2).up("ota", 0x0114, b"", 2)
    s.loaded().close().later(20).come("V2", form=1).say(11, versions=("V2",))


@scene(UPGRADED)
def commands_that_are_not_about_updates(s):
    s.come()
    for command in (0x0012, 0x0014, 0x0023, 0x0122, 0x0124):
        s.up("bus", command, value(1, 5) + value(2, [value(0, 1), value(0, 2)]), 1)
    s.up("bus", 0x0023, b"\x00\xaa\xaa\x55\xaa", 0)
    for command in (0x00B3, 0x00B5, 0x00A4, 0x00C1, 0x00CB, 0x7777):
        s.up("sys", command, value(1, 10428), 1)
    s.up("ota", 0x0111, item(*MOD), 2).ping()
    s.loaded().close().later(20).come("V2", form=1).say(11, versions=("V2",))


LONG = ("c" * 32, "s" * 64, "t" * 64, 0)


@scene(UPGRADED)
def names_as_long_as_they_may_be(s):
    mcu = ";".join(f"{'m' * 20}{at:02}:{'1.' * 10}0" for at in range(11))
    s.come(LONG[1], mcu + ";").offer(LONG).say(1, 2, component=LONG[0]).url(LONG[0], LONG[2])
    s.say(4, 5, 8, 9, component=LONG[0]).close()
    s.later(20).come(LONG[2], mcu, form=1).say(11, component=LONG[0], versions=(LONG[2], mcu))


@scene(UPGRADED)
def information_of_every_kind(s):
    """Some builds tell numbers where others tell texts; nothing of it may cost the versions."""
    s.connect().subscribe().secret()
    s.up("sys", 0x0034, b"".join(value(at, n) for at, n in ((1, 0), (3, -140), (4, 500000), (5, -97), (6, -11)))
         + number(2, 38, 1) + number(7, -35, 1))  # fmt: skip
    s.up("sys", 0x0044, value(1, "EC600N") + value(2, "V1") + value(3, "mcu1:1.0;")
         + value(4, 22123521) + value(5, "89860000000000000000") + value(6, 460) + value(7, "00") + value(8, 9365)
         + value(9, "+8613800000000") + value(10, "460001234567890") + value(11, "2.9.0")
         + value(12, [value(0, "GPS"), value(0, "LBS")]) + value(13, "1.3.0") + value(14, True) + value(15, "new"))  # fmt: skip
    s.loaded().close().later(20).come("V2", form=1).say(11, versions=("V2",))


@scene(("no_update", None))
def is_at_the_target_already(s):
    s.come("V1").offer().close().later(20).come("V2", form=1)


@scene(("failed", 210))
def url_does_not_arrive(s):
    s.come().offer().say(1, 2).later(30).say(12, versions=("V1",))


@scene(("not_upgraded", None))
def application_never_decides(s):
    s.come().offer().say(1).later(620).ping()


@scene(UPGRADED)
def encrypted_with_first_reports_in_clear(s):
    key = value(6, SESSION_KEY)
    s.connect(0, "0001").subscribe().down("sys", 0x00B4, value(5, "00112233445566778899aabbccddeeff") + key)
    s.reports().seal().ask().loaded().close().later(20).connect(1, "0001").subscribe().down("sys", 0x00B4, key)
    s.reports("V2").seal().say(11, versions=("V2",))


@scene(("failed", 250))
def says_11_with_the_old_version(s):
    s.come().loaded().close().later(20).come("V1", form=1).say(11, versions=("V1",))


@scene(("failed", 252))
def says_11_without_a_version_and_reports_the_old_one(s):
    s.come().loaded().close().later(20).connect(1).subscribe().say(11).down("sys", 0x0041, b"\x00\x02\x00\x03")
    s.up("sys", 0x0042, value(2, "V1") + value(3, "")).later(70).ping()


@scene(UPGRADED)
def gone_before_it_has_answered_the_offer(s):
    s.come().offer().close().later(7).come(form=1).offer().say(1, 2).url().say(4, 5, 8, 9).close()
    s.later(20).come("V2", form=1).say(11, versions=("V2",))


@scene(UPGRADED)
def two_controllers_in_their_order(s):
    second = ("mcu2", "V7", "8.0", 1)
    s.come(mcu="mcu1:V1;mcu2:V7").down("ota", 0x0111, grouped(MCU, second))
    s.say(1, 2, component="mcu2", kind=1)
    for name, target, versions in (("mcu1", "2.0", "mcu1:2.0;mcu2:V7"), ("mcu2", "8.0", "mcu1:2.0;mcu2:8.0")):
        s.url(name, target, 1).say(4, 5, 8, 9, component=name, kind=1)
        s.say(11, component=name, kind=1, versions=("V1", versions))
