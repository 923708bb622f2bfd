"""An ASR module's download side written from platform-asr 4 alone: ROM, preboot, flasher; scripted faults.

It uses nothing of the package: framing, commands, table and sparse rules are done again here, simply and strictly.
"""

from __future__ import annotations

import re
import struct
import zlib


def frame(kind, payload=b""):
    body = payload.replace(b"\x7d", b"\x7d\x5d").replace(b"\x7e", b"\x7d\x5e")
    return b"\x7e" + (bytes((0x7D, kind ^ 0x20)) if kind else b"") + body + b"\x7e"


def unframe(raw):
    kind = 0
    if raw[:1] == b"\x7d" and raw[1:2] not in (b"\x5d", b"\x5e"):
        kind, raw = raw[1] ^ 0x20, raw[2:]
    return kind, re.sub(rb"\x7d(.)", lambda found: bytes((found[1][0] ^ 0x20,)), raw, flags=re.DOTALL)


class FakeAsr:
    """``feed`` bytes, get the module's bytes.

    Args:
        product, bootrom, version: what getvar answers.
        regreets: "" the loaders go on over the same link; "preamble" they answer a preamble only; "unasked" they greet by
            themselves; "instead" they greet instead of answering ``call``.
        fails: command (without its number) -> text of the FAIL.
        says: command -> frames sent before its answer.
        can_upload: whether the flasher reads out.
        max_size: of the flasher.
    """

    def __init__(self, flash_bytes=0x1000000, **options):
        self.flash = bytearray(b"\xff") * flash_bytes
        self.vars = {
            "version": "0.5",
            "product": options.get("product", "arom-tiny"),
            "version-bootrom": options.get("bootrom", "2020.07.30"),
        }
        self.regreets = options.get("regreets", "")
        self.fails = dict(options.get("fails", {}))
        self.says = dict(options.get("says", {}))
        self.mute = set(options.get("mute", ()))
        self.can_upload = options.get("can_upload", False)
        self.max_size = options.get("max_size", 0x100000)
        self.mtu = options.get("mtu", 1024)
        self.ignores_commands_after = options.get("ignores_commands_after")
        self.stage = "rom"
        self.link = "wait"
        self.table = {}
        self.log = []
        self.verified = self.image = None
        self.expected = 0
        self.was_reset = False
        self.greetings = 0
        self.erased = []
        self._got = bytearray()
        self._in = b""
        self._inside = False
        self._staged = 0

    # ---- link

    def feed(self, data):
        self._in += data
        out = []
        while self._in:
            if self.link == "wait":
                at = self._in.find(b"\x55\x55\x55\x55\x7e")
                if at < 0:
                    self._in = self._in[-4:] if len(self._in) >= 4 else self._in
                    break
                self._in = self._in[at + 5 :]
                while self._in.startswith(b"\x55\x55\x55\x55\x7e"):  # answers once
                    self._in = self._in[5:]
                self.link, self._inside = "greeted", False
                self.greetings += 1
                out.append(b"\x7e\x55\x41\x42\x54")
                continue
            at = self._in.find(b"\x7e")
            if at < 0:
                break
            raw, self._in = self._in[:at], self._in[at + 1 :]
            if not self._inside:
                self._inside = True
            elif raw:
                self._inside = False
                out.append(self._frame(*unframe(raw)))
        return b"".join(out)

    def _frame(self, kind, payload):
        if kind == 0 and payload == b"UABT" and self.link in {"greeted", "confirmed"}:
            self.link = "confirmed"
            return b"\x7e\x55\x41\x42\x54\x7e"
        if kind == 1 and self.link == "confirmed" and len(payload) == 2:
            self.mtu = min(self.mtu, int.from_bytes(payload, "big"))
            self.link = "up"
            return frame(2, self.mtu.to_bytes(2, "big"))
        if self.link != "up":
            return b""
        if kind == 4:
            return self._data(payload)
        if kind != 3:
            return b""
        return self._command(payload.decode("ascii"))

    # ---- commands

    def _command(self, text):
        self.log.append(text)
        verb, _, argument = text.partition(":")
        key = verb if verb in {"download", "progress", "ulstage"} else text
        lead = b"".join(self.says.get(key, self.says.get(verb, ())))
        if key in self.mute:
            return lead
        if key in self.fails:
            return lead + frame(3, b"FAIL" + self.fails[key].encode())
        return lead + getattr(self, f"_do_{verb}", self._unknown)(argument)

    def _unknown(self, _):
        return frame(3, b"FAILunknown command")

    def _do_getvar(self, name):
        if name == "max-download-size":
            return frame(3, b"OKAY%x" % (self.max_size if self.stage == "flasher" else 0xF000))
        kind, _, partition = name.partition(":")
        if self.stage == "flasher" and kind == "partition-type" and partition in self.table:
            return frame(3, b"OKAY" + self.table[partition][2].encode())
        if name in self.vars:
            return frame(3, b"OKAY" + self.vars[name].encode())
        return frame(3, b"FAIL")

    def _do_progress(self, argument):
        assert re.fullmatch("[0-9a-f]{8}", argument)
        return frame(3, b"OKAY")

    def _do_download(self, argument):
        assert re.fullmatch("[0-9a-f]{8}", argument)
        self.expected = int(argument, 16)
        assert 0 < self.expected <= (self.max_size if self.stage == "flasher" else 0xF000)
        self._got = bytearray()
        return frame(3, b"DATA" + argument.encode())

    def _data(self, payload):
        assert len(payload) <= self.mtu
        self._got += payload
        assert len(self._got) <= self.expected, "more data than announced"
        if len(self._got) < self.expected:
            return b""
        self.image, self.expected = bytes(self._got), 0
        if "data" in self.fails:
            return frame(3, b"FAIL" + self.fails["data"].encode())
        return b"" if "data" in self.mute else frame(3, b"OKAY")

    def _do_verify(self, _):
        assert self.image[:4] == b"\x01\x00\x64\xaa", "no FIP"
        self.verified = self.image
        return frame(3, b"OKAY")

    def _do_call(self, _):
        assert self.verified is self.image
        self.stage = {"rom": "preboot", "preboot": "flasher"}[self.stage]
        answer = frame(3, b"INFOrunning") + frame(3, b"OKAY")
        if not self.regreets:
            return answer
        self.link = "wait"
        if self.regreets == "preamble":
            return answer
        self.link = "greeted"
        self.greetings += 1
        return (b"" if self.regreets == "instead" else answer) + b"\x7e\x55\x41\x42\x54"

    def _do_nop(self, _):
        self.stage = {"rom": "preboot", "preboot": "flasher"}[self.stage]
        return frame(3, b"FAIL")

    def _do_partition(self, _):
        assert self.stage == "flasher"
        if self.image[:4] == b"FNIF":
            return frame(3, b"OKAY")
        assert self.image[:4] == b"BTPA"
        assert zlib.crc32(self.image[:0x888]) == int.from_bytes(self.image[0x888:0x88C], "little")
        count = int.from_bytes(self.image[4:8], "little")
        for n in range(count):
            slot = self.image[8 + 68 * n : 8 + 68 * (n + 1)]
            start, size = struct.unpack_from("<II", slot, 48)
            self.table[slot[:32].split(b"\0")[0].decode()] = (start, size, slot[32:48].split(b"\0")[0].decode())
        return frame(3, b"OKAY")

    def _do_flash(self, partition):
        if partition not in self.table:
            return frame(3, f'FAILwriting partition "{partition}" not found or not supported.'.encode())
        start, size, _ = self.table[partition]
        try:
            self._unsparse(self.image, start, size)
        except AssertionError as wrong:
            return frame(3, b"FAIL" + str(wrong).encode())
        return frame(3, b"PROG50") + frame(3, b"OKAY")

    def _unsparse(self, image, start, size):
        magic, _, _, head, chunk_head, block, total, chunks, _ = struct.unpack_from("<IHHHHIIII", image)
        assert magic == 0xED26FF3A, "not a sparse file image"
        assert head >= 28, "sparse header size mismatch"
        assert chunk_head >= 12, "chunk header size mismatch"
        assert block * total <= size, "size too large"
        at, blocks, crc = head, 0, 0
        for _ in range(chunks):
            kind, _, count, length = struct.unpack_from("<HHII", image, at)
            at += chunk_head
            if kind == 0xCAC1:
                assert length == chunk_head + count * block, "Bogus chunk size for chunk type Raw"
                data = image[at : at + count * block]
                crc = zlib.crc32(data, crc)
                self.flash[start + blocks * block : start + blocks * block + len(data)] = data
                at += len(data)
            elif kind == 0xCAC4:
                assert struct.unpack_from("<I", image, at)[0] == crc, "invalid sparse crc"
            else:
                assert kind == 0xCAC3, "Unknown chunk type"
            blocks += count
        assert blocks == total, "sparse image write failure"

    def _do_erase(self, partition):
        if partition not in self.table:
            return frame(3, f'FAILerasing partition "{partition}" not found or not supported.'.encode())
        start, size, _ = self.table[partition]
        self.flash[start : start + size] = b"\xff" * size
        self.erased.append(partition)
        return frame(3, b"OKAY")

    # ---- reading out: what the strings of the flasher suggest

    def _do_useflash(self, partition):
        self._selected = self.table.get(partition) if self.can_upload else None
        return frame(3, b"OKAY" if self._selected else b"FAILunknown command")

    def _do_ulstage(self, argument):
        offset, size = (int(part, 16) for part in argument.split(":"))
        start = self._selected[0] + offset
        self._staged = bytes(self.flash[start : start + size])
        return frame(3, b"OKAY")

    def _do_upload(self, _):
        pieces = [self._staged[at : at + self.mtu] for at in range(0, len(self._staged), self.mtu)]
        return frame(3, b"DATA%08x" % len(self._staged)) + b"".join(frame(4, one) for one in pieces) + frame(3, b"OKAY")

    # ---- the end

    def _do_reboot(self, _):
        return frame(3, b"OKAY")

    _do_complete = _do_reboot

    def _do_disconnect(self, _):
        self.was_reset = True
        return b""
