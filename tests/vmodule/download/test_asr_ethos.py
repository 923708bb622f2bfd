"""ETHOS, the link of ASR1601: worked bytes typed from platform-asr 4.1, then the same commands as over SMUX."""

from __future__ import annotations

import random
import struct

import pytest

from asr_bench import TABLE, bench
from asr_ethernet import checksum, link_local
from asr_ethos_host import DEVICE_MAC, FASTBOOT, HOST_MAC, INIT, QUERY, EthosHost, datagram, ethernet, packet
from asr_host import FLASHER, PREAMBLE, PREBOOT, flash_list, frame, unframed, vendor_sparse
from moduline.vmodule.download.asr_ethos import EthosLink
from moduline.vmodule.download.events import Connected, CutReached, DownloadFaults, ResetWanted

QUERY_BYTES = bytes.fromhex(
    "7E02E3966C7C410072CAAC952C86DD60000000000C1140FE800000000000000272CAFFFEAC952CFE8000000000000000E396FFFE6C7C41"
    "15B115B2000C6295010000007E"
)


@pytest.fixture
def host():
    return made()[0]


def made(faults=None):
    plain, flash, faults = bench("ec600s", faults=faults)
    return EthosHost(plain.session), flash, faults


def test_opening_when_bytes_are_the_worked_ones_then_answers_are_too(host):
    assert host.raw(PREAMBLE) == bytes.fromhex("7E7E55555555")
    assert host.raw(bytes.fromhex("7E555555557E")) == bytes.fromhex("7E555555557E")
    assert host.raw(bytes.fromhex("7E7D22") + HOST_MAC + b"\x7e") == bytes.fromhex("7E7D23") + DEVICE_MAC + b"\x7e"
    answer = host.raw(QUERY_BYTES)
    assert answer.endswith(bytes.fromhex("15B215B1000E505D0100000012347E"))
    assert host.events == [Connected()]


def test_query_of_the_test_host_when_made_then_the_worked_bytes():
    assert datagram(packet(QUERY, 0)) == QUERY_BYTES


def test_opening_when_bytes_come_one_by_one_then_the_same(host):
    sent = PREAMBLE + b"\x7eUUUU\x7e" + frame(2, HOST_MAC) + QUERY_BYTES
    answers = b"".join(host.raw(sent[at : at + 1]) for at in range(len(sent)))
    assert answers.startswith(bytes.fromhex("7E7E55555555 7E555555557E 7E7D23".replace(" ", "")) + DEVICE_MAC)
    assert answers.endswith(bytes.fromhex("0100000012347E"))


def test_neighbour_when_asked_for_its_address_then_advertises(host):
    host.open()
    group = bytes.fromhex("ff0200000000000000000001ff") + link_local(DEVICE_MAC)[13:]
    question = struct.pack(">BBHI", 135, 0, 0, 0) + link_local(DEVICE_MAC) + b"\x01\x01" + HOST_MAC
    asked = ethernet(58, 255, question, 2, to=b"\x33\x33" + group[12:], address=group)
    ((kind, answer),) = unframed(host.raw(frame(0, asked)))
    assert kind == 0
    assert answer[:14] == HOST_MAC + DEVICE_MAC + b"\x86\xdd"
    assert answer[20:22] == b"\x3a\xff"
    assert answer[54] == 136
    assert answer[58:62] == bytes.fromhex("E0000000")
    assert answer[62:78] == link_local(DEVICE_MAC)
    assert answer[78:] == b"\x02\x01" + DEVICE_MAC
    assert checksum(answer[22:38], answer[38:54], 58, answer[54:]) == 0


def test_neighbour_when_another_address_is_asked_for_then_silence(host):
    host.open()
    question = struct.pack(">BBHI", 135, 0, 0, 0) + link_local(HOST_MAC)
    assert host.raw(frame(0, ethernet(58, 255, question, 2))) == b""


@pytest.mark.parametrize(
    ("name", "value"), [("product", "arom"), ("version", "0.5"), ("version-bootrom", "2019.01.15")]
)
def test_getvar_when_asked_then_those_of_1601(name, value, host):
    assert host.open().say(f"getvar:{name}") == f"OKAY{value}"


def test_packet_when_repeated_then_the_same_answer_and_done_once(host):
    host.open()
    assert host.next(FASTBOOT, b"download:00000010") == b""
    first = host.exchange(FASTBOOT, host.sequence)
    assert first[4:] == b"DATA00000010"
    assert host.exchange(FASTBOOT, host.sequence) == first
    host.sequence += 1
    for _ in range(3):
        assert host.exchange(FASTBOOT, host.sequence, bytes(16))[4:] == b""
    host.sequence += 1
    assert host.polled() == "OKAY"


@pytest.mark.parametrize("off", [-2, 1, 2, 0x8000])
def test_packet_when_out_of_sequence_then_silence_and_nothing_done(off, host):
    host.open()
    assert host.exchange(FASTBOOT, (host.sequence + off) & 0xFFFF, b"reboot") == b""
    assert host.say("getvar:version") == "OKAY0.5"
    host.wait(2)
    assert ResetWanted() not in host.events


@pytest.mark.parametrize(
    "sent",
    [
        datagram(packet(9, 0x1234)),
        datagram(b"\x01\0\0"),
        datagram(b""),
        datagram(packet(INIT, 0x1234, b"\0\x01")),
        datagram(packet(INIT, 0x1234, struct.pack(">HH", 1, 100))),
        datagram(packet(FASTBOOT, 0x1234, b"getvar:version")),
        datagram(packet(QUERY, 0), port=53),
        datagram(packet(QUERY, 0))[:-3] + b"\x01\x02\x7e",
        frame(0, b""),
        frame(0, bytes(60)),
        frame(0, DEVICE_MAC + HOST_MAC + b"\x08\x00" + bytes(60)),
        frame(1, b"log text"),
        frame(2, b"short"),
        frame(5, b"x"),
    ],
)
def test_link_when_something_odd_comes_before_init_then_silence_and_a_right_host_is_served(sent, host):
    host.raw(PREAMBLE)
    host.raw(frame(2, HOST_MAC))
    assert host.raw(sent) == b""
    assert host.start().say("getvar:version") == "OKAY0.5"


def test_command_when_continued_over_packets_then_one_command(host):
    host.open()
    assert host.next(FASTBOOT, b"getvar:", 1) == b""
    assert host.next(FASTBOOT, b"product") == b""
    assert host.polled() == "OKAYarom"


def test_sequence_when_it_reaches_the_end_then_goes_on_at_zero():
    link = EthosLink()
    for _ in range(0x10000):
        link._next(None)
    assert link._expected == 0x1234


def test_whole_way_when_from_rom_to_partition_then_written_and_restarted():
    host, flash, _ = made()
    host.up().told(TABLE)
    data = random.Random(1).randbytes(0x3000)
    assert host.write("small", data, 0x3000) == "OKAY"
    assert flash.read(0x70000, 0x3000) == data
    assert host.say("getvar:partition-size:small") == "OKAY\t 0x3000"
    assert [host.say(word) for word in ("reboot", "complete")] == ["OKAY", "OKAY"]
    host.wait(1.1)
    assert host.events[-1] == ResetWanted()


def test_bulk_when_a_sparse_image_is_sent_without_frames_then_taken():
    host, flash, _ = made()
    host.up()
    assert host.download(flash_list([0x601800C8])) == "OKAY"
    assert host.say("partition") == "OKAY"
    assert host.download(TABLE) == "OKAY"
    assert host.say("partition") == "OKAY"
    image = vendor_sparse(b"\x7e\x7d\x55UUUU~" * 600, 0, 3)
    assert host.say(f"download:{len(image):08x}") == f"DATA{len(image):08x}"
    assert host.bulk(image) == "OKAY"
    assert host.say("flash:small") == "OKAY"
    assert flash.read(0x70000, 4800) == b"\x7e\x7d\x55UUUU~" * 600


def test_bulk_when_a_host_dies_in_it_then_the_next_one_is_served_after_a_pause(host):
    host.open()
    assert host.say("download:00008000") == "DATA00008000"
    host.raw(frame(1, b"\x03\0\0\0data-request:00008000") + bytes(100))
    assert host.raw(PREAMBLE) == b""
    host.now += 0.2
    host.raw(PREAMBLE)
    host.now += 0.4
    host.open()
    assert host.call(PREBOOT) == ["OKAY"] * 3


def test_call_when_loaders_greet_anew_then_opened_again():
    host, _, _ = made(DownloadFaults(is_greeting_anew=True))
    host.open()
    assert host.download(PREBOOT) == "OKAY"
    assert host.say("verify") == "OKAY"
    assert host.next(FASTBOOT, b"call") == b""
    assert host.next(FASTBOOT) == b"INFOrunning image"
    stream = host.raw(datagram(packet(FASTBOOT, host.sequence)))
    assert b"OKAY" in stream
    assert stream.endswith(b"\x7e\x7e\x55\x55\x55\x55")
    assert host.raw(b"\x7eUUUU\x7e") == b"\x7eUUUU\x7e"
    host.raw(frame(2, HOST_MAC))
    assert host.start().call(FLASHER) == ["OKAY"] * 3


def test_faults_when_cut_at_content_then_dead():
    host, _, _ = made(DownloadFaults(cut_at_bytes=3000))
    host.open()
    host.say(f"download:{len(FLASHER):08x}")
    for at in (0, 2044):
        host.next(FASTBOOT, FLASHER[at : at + 2044])
    assert CutReached() in host.events
    assert host.exchange(QUERY, 0) == b""


def test_stream_when_mutated_then_never_an_exception():
    good = b"".join(
        (
            PREAMBLE,
            b"~UUUU~",
            frame(2, HOST_MAC),
            QUERY_BYTES,
            datagram(packet(INIT, 4660, struct.pack(">HH", 1, 2048))),
            *tuple(
                datagram(packet(FASTBOOT, 4661 + n, text))
                for n, text in enumerate((b"getvar:product", b"", b"download:00000004", b"", b"abcd"))
            ),
            frame(1, b"\x03\x00\x12:data-request:00000010"),
            bytes(16),
        )
    )
    for seed in range(2000):
        dice = random.Random(seed)
        data = bytearray(good)
        for _ in range(dice.randint(1, 8)):
            at = dice.randrange(len(data))
            data[at : at + dice.randint(0, 3)] = dice.randbytes(dice.randint(0, 3))
        host, _, _ = made()
        for at in range(0, len(data), size := dice.choice((1, 50, 4096))):
            host.raw(bytes(data[at : at + size]))
        if seed % 50 == 0:
            host.now += 10
            host.raw(b"")
            host.open()
            assert host.say("getvar:version") == "OKAY0.5", seed
