"""A program that burns as little as can be, over the port it is given: the hosts of the module's tests, as strangers.

    python minimal_host.py unisoc|asr|ethos PORT SEED

Those hosts were written from the platform references alone and know nothing of our drivers. What is burnt is told by
``images_of(SEED)``. Ends with 0 and "burnt" when every answer was the right one.
"""

from __future__ import annotations

import os
import random
import select
import sys
import time
import tty
from pathlib import Path

ANSWER_S = 20.0
QUIET_S = 0.05
FLASH = {"unisoc": 0x60000000, "asr": 0, "ethos": 0}
ROWS = [
    ("all", "group", 0, 0x1000000),
    ("external", "flash", 0, 0x1000000),
    ("bootloader", "ubi", 0, 0x24000),
    ("system", "part", 0x24000, 0x400000),
]


def images_of(host, seed):
    """(place in the flash, name, content) of every image, system first."""
    dice = random.Random(f"{host} {seed}")
    system, boot = dice.randbytes(0x100000 if host == "unisoc" else 0x280000), dice.randbytes(0x1800)
    return [(0x10000 if host == "unisoc" else 0x24000, "system", system), (0, "bootloader", boot)]


class Port:
    """In place of a session: what is received goes out, what comes back is what it has to send."""

    wake_at_s = None

    def __init__(self, path, is_whole):
        self._port = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._port)
        self._is_whole = is_whole
        self._is_asked = False

    def advance(self, now):
        """Time is the system's."""
        return []

    def receive(self, data):
        """Say it."""
        self._is_asked = True
        while data:
            data = data[os.write(self._port, data) :]
        return []

    def bytes_to_send(self):
        """What comes back: until the answer is whole, or until nothing comes any more where none was asked for."""
        is_asked, self._is_asked = self._is_asked, False
        heard, end = b"", time.monotonic() + ANSWER_S
        while time.monotonic() < end and not (is_asked and self._is_whole(heard)):
            if select.select([self._port], [], [], QUIET_S)[0]:
                heard += os.read(self._port, 65536)
            elif not is_asked or self._is_whole(None):
                break
        self.last = f"{len(heard)} bytes after {time.monotonic() - end + ANSWER_S:.2f} s: ...{heard[-200:].hex()}"
        return heard


def unisoc(path, images):
    """PDL, FDL1, FDL2: system, then boot."""
    from unisoc_host import ACK, Host

    waits = {"answers": True}

    def is_whole(heard):
        if heard is None:
            return not waits["answers"]
        if heard[:1] == b"\xae" and len(heard) >= 8:
            return len(heard) >= 8 + int.from_bytes(heard[1:5], "little")
        return len(heard) > 2 and heard[:1] == heard[-1:] == b"\x7e"

    host = Host(Port(path, is_whole))
    pdl = host.pdl

    def quiet_at_exec(command, *rest, **more):
        waits["answers"] = command.name != "EXEC_DATA"  # the ROM runs the loader and says nothing
        try:
            return pdl(command, *rest, **more)
        finally:
            waits["answers"] = True

    host.pdl = quiet_at_exec
    host.up()
    for at, _, data in images:
        codes = host.write(FLASH["unisoc"] + at, data, 0x800)
        assert set(codes) == {ACK}, codes


def asr(path, images, kind):
    """Greeting, preboot, flasher, tables: system, then boot."""
    from asr_ethos_host import EthosHost
    from asr_host import COMMAND, Host, table, unframed

    sizes = {name: size for name, _, _, size in ROWS}

    def is_final(stream):
        if stream is None:
            return False
        if stream.strip(b"\x7e") in {b"UUUU", b"UABT"}:
            return True  # a greeting
        if kind == "ethos":
            return any(one in {0, 2, 3} for one, _ in unframed(stream))
        finals = [body for one, body in unframed(stream) if one == COMMAND and body[:4] not in {b"INFO", b"PROG"}]
        return bool(finals) or any(one == 2 for one, _ in unframed(stream))

    host = (EthosHost if kind == "ethos" else Host)(Port(path, is_final))
    host.up().told(table(ROWS))
    for _, name, data in images:
        answer = host.write(name, data, sizes[name])
        assert answer == "OKAY", (answer, host.session.last)


def main():
    kind, path, seed = sys.argv[1:]
    images = images_of(kind, seed)
    if kind == "unisoc":
        unisoc(path, images)
    else:
        asr(path, images, kind)
    print("burnt", flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    main()
