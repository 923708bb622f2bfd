"""A small host for tests of the module's side: speaks with a DownloadSession directly, with the shared codec only."""

from __future__ import annotations

import zlib

from moduline.wire.download.unisoc import (
    BslCommand,
    BslDecoder,
    BslFrame,
    PdlCommand,
    PdlDecoder,
    PdlRequest,
    encode_bsl,
    encode_pdl_request,
    pack_words,
    unpack_pdl_answer,
)

ACK = 0x80


def uimage(data, load_address=0x60010040, name=b"test"):
    """An image with a right header, put together as platform-unisoc 3.1 describes it."""
    words = [0x27051956, 0, 0x6555AA55, len(data), load_address, load_address, zlib.crc32(data)]
    body = b"".join(word.to_bytes(4, "big") for word in words) + bytes([5, 2, 1, 0]) + name.ljust(32, b"\0")
    return body[:4] + zlib.crc32(body).to_bytes(4, "big") + body[8:] + data


LOADER_1 = uimage(b"first loader" * 20, 0x800100)
LOADER_2 = uimage(b"second loader" * 40, 0x810040)


class Host:
    """Sends commands and gives the answers; ``events`` has what the session reported."""

    def __init__(self, session):
        self.session = session
        self.events = []
        self._pdl = PdlDecoder()
        self._bsl = BslDecoder("sum")

    def raw(self, data):
        """Send bytes, give the bytes that come back."""
        self.events += self.session.receive(data)
        return self.session.bytes_to_send()

    def pdl(self, command, address=0, size=0, data=b""):
        """One PDL request; gives the code, None for silence."""
        answer = self.raw(encode_pdl_request(PdlRequest(command, address, size, data)))
        packets = self._pdl.feed(answer)
        return unpack_pdl_answer(packets[0]).code if packets else None

    def bsl(self, command, data=b""):
        """One BSL command; gives (type, data), None for silence."""
        answer = self.raw(encode_bsl(command, data))
        frames = [event for event in self._bsl.feed(answer) if isinstance(event, BslFrame)]
        return (frames[-1].type, frames[-1].data) if frames else None

    def code(self, command, *words):
        """One BSL command with words as data; gives the type of the answer."""
        answer = self.bsl(command, pack_words(*words))
        return answer[0] if answer else None

    def load_first(self, image=LOADER_1, address=0x8000C0):
        """ROM: load an image and run it; gives the codes, None for EXEC."""
        codes = [self.pdl(PdlCommand.CONNECT), self.pdl(PdlCommand.START_DATA, address, len(image), b"PDL1\0")]
        for index, at in enumerate(range(0, len(image), 0x800)):
            piece = image[at : at + 0x800]
            codes.append(self.pdl(PdlCommand.MID_DATA, index, len(piece), piece))
        codes += [self.pdl(PdlCommand.END_DATA, data=bytes.fromhex("1c3c6e06")), self.pdl(PdlCommand.EXEC_DATA)]
        return codes

    def load_second(self, image=LOADER_2):
        """FDL1: sync, load FDL2, run it; gives the answer types."""
        answer = self._bsl.feed(self.raw(b"\x7e"))
        codes = [answer[0].type, self.code(BslCommand.CONNECT)]
        codes += self.write(0x810000, image, 0x800)
        return [*codes, self.code(BslCommand.EXEC_DATA)]

    def write(self, address, content, packet=0x800, size=None):
        """START, MIDST..., END; gives the answer types up to the first that is not ACK."""
        codes = [self.code(BslCommand.START_DATA, address, len(content) if size is None else size)]
        for at in range(0, len(content), packet):
            if codes[-1] != ACK:
                return codes
            answer = self.bsl(BslCommand.MIDST_DATA, content[at : at + packet])
            codes.append(answer[0] if answer else None)
        if codes[-1] == ACK:
            codes.append(self.code(BslCommand.END_DATA))
        return codes

    def up(self):
        """Bring FDL2 up; gives this host."""
        self.load_first()
        assert self.load_second()[-1] == ACK
        return self
