"""Bytes of any kind, at any time: the session answers, or is silent; it never fails, and it can always be used again."""

import random
import struct

from eigen_bench import Bench
from eigen_host import AGBOOT, AGENTBOOT, BOOT_ID, DLBOOT, FLEX_ID, LPC, head, order, packet, rom_packet

MUTATIONS = 2000
IMAGE = bytes(range(200)) * 120


def words(*values):
    return struct.pack(f"<{len(values)}I", *values)


ROM_TALK = [
    DLBOOT * 2,
    rom_packet(0x20),
    rom_packet(0x21),
    rom_packet(0x31, words(272)),
    rom_packet(0x32, head(BOOT_ID, AGENTBOOT)),
    rom_packet(0x3A),
    DLBOOT * 2,
    rom_packet(0x31, words(len(AGENTBOOT))),
    rom_packet(0x32, AGENTBOOT[:0x400]),
]
AGENT_TALK = [
    LPC * 2,
    order(0x10, words(0x2000, 0x805000)),
    order(0x22, words(16, 0x805000) + bytes(16)),
    order(0x21, words(64, 0x805000)),
    order(0x42, words(FLEX_ID)),
    AGBOOT * 2,
    AGBOOT * 2,
    packet(0x20),
    packet(0x31, words(272)),
    packet(0x32, head(FLEX_ID, IMAGE, 0x5000)),
    packet(0x3A),
    AGBOOT * 2,
    packet(0x31, words(len(IMAGE))),
    packet(0x32, IMAGE[:0x4000]),
    packet(0x31, words(len(IMAGE) - 0x4000)),
    packet(0x32, IMAGE[0x4000:]),
    packet(0x3A),
    order(0x44),
]


def mutated(talk, dice):
    """The conversation with one or a few things wrong: bytes flipped, lost, doubled, packets swapped or made up."""
    wire = list(talk)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(wire))
        data = bytearray(wire[at])
        kind = dice.randrange(6)
        if kind == 0 and data:
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        elif kind == 1:
            del data[dice.randrange(len(data) + 1) :]
        elif kind == 2:
            data[dice.randrange(len(data) + 1) : 0] = dice.randbytes(dice.randint(1, 40))
        elif kind == 3:
            data = data * 2
        elif kind == 4:
            data = bytearray(dice.choice(wire))
        elif data:
            data[: min(8, len(data))] = dice.choice([packet, order])(
                dice.randrange(256), dice.randbytes(dice.randrange(9))
            )
        wire[at] = bytes(data)
    return wire


def test_session_when_2000_conversations_go_wrong_then_it_stays_usable():
    dice = random.Random("eigen")
    bench = Bench()
    for number in range(MUTATIONS):
        host = bench.again()
        is_agent = number % 2
        if is_agent:
            host.start_agentboot(b"short agentboot")
        for data in mutated(AGENT_TALK if is_agent else ROM_TALK, dice):
            host.raw(data)
            if not dice.randrange(6):
                host.wait(dice.choice([0.3, 1.2, 5]))
        if is_agent and host.session.stage == "agentboot" and host.session.state != "stopped":
            host.wait(17)
            host.raw(LPC * 2)
            assert host.raw(LPC * 2) == LPC, number
            assert host.lpc(0x44)[0] == 0, number
        elif not is_agent and host.session.stage == "rom":
            host.wait(17)
            assert host.raw(DLBOOT * 2) == DLBOOT, number


def test_session_when_only_noise_comes_then_answers_are_bounded():
    dice = random.Random("noise")
    for stage in ("rom", "agentboot"):
        host = Bench().host
        if stage == "agentboot":
            host.up()
        said = sum(len(host.raw(dice.randbytes(dice.randint(1, 3000)))) for _ in range(300))
        assert said < 4096


def test_flash_when_conversations_go_wrong_then_only_what_was_addressed_is_touched():
    """Erase at 0x5000, write there, a body at 0x5000: nothing else is ever asked for, so nothing else may change."""
    dice = random.Random("places")
    bench = Bench()
    for _ in range(300):
        host = bench.again().start_agentboot(b"short agentboot")
        for data in AGENT_TALK:
            wire = bytearray(data)
            if not dice.randrange(3):
                wire[dice.randrange(len(wire))] ^= 1 << dice.randrange(8)
            host.raw(bytes(wire))
            if not dice.randrange(4):
                host.wait(1.5)
    touched = {sector for sector, count in enumerate(bench.flash.flash.wear) if count}
    assert touched <= set(range(5, 5 + 6))
