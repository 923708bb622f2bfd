"""Every packet of platform-eigencomm 3.6, typed from there, against the module's side."""

import hashlib

import pytest

from eigen_bench import Bench
from eigen_host import AGBOOT, AGENTBOOT, AP_ID, BOOT_ID, DLBOOT, LPC, head, packet


def octets(text):
    return bytes.fromhex(text)


@pytest.fixture
def host():
    return Bench().host


def test_rom_when_spoken_to_as_in_the_captures_then_answers_as_there(host):
    assert host.raw(octets("00 D3 02 2B") * 2) == octets("00 D3 02 2B")
    said = host.raw(octets("20 00 CD 32 00 00 00 00"))
    assert said == octets("20 00 CD 32 00 0C 00 00 00 02 01 00 00 00 02 26 21 20")
    assert host.raw(octets("21 00 CD 32 00 00 00 00")) == octets("21 00 CD 32 00 04 48 4D 49 54")
    assert host.raw(octets("22 00 CD 32 00 00 00 00")) == octets("22 00 CD 32 00 00")
    said = host.raw(octets("31 00 CD 32 04 00 00 00 10 01 00 00"))
    assert said == octets("31 00 CD 32 00 04 10 01 00 00")


def test_rom_data_when_sum_is_right_then_index_plus_one(host):
    host.raw(DLBOOT * 2)
    host.rom_content(head(BOOT_ID, octets("01 02 03 04")), 0x110)
    host.raw(DLBOOT * 2)
    assert host.raw(octets("21 00 CD 32 00 00 00 00")) == octets("21 00 CD 32 00 04 49 4D 42 4F")
    assert host.raw(octets("31 00 CD 32 04 00 00 00 04 00 00 00")) == octets("31 00 CD 32 00 04 04 00 00 00")
    said = host.raw(octets("32 00 CD 32 04 00 00 00 01 02 03 04 3F 01 00 00"))
    assert said == octets("32 01 CD 32 00 00")


def test_head_of_this_host_when_made_as_in_the_reference_then_its_hash_is_the_one_there():
    made = head(AP_ID, b"hello", 0x24000)
    assert made[:36] == octets(
        "01 00 00 10 48 4D 49 54 07 05 18 20 00 00 00 00 01 00 00 00 EE 00 00 00 00 00 00 00 00 00 00 00 62 53 2D EA"
    )
    assert hashlib.sha256(made).hexdigest() == "520895df58ac18a2f06cb748510e36ad7e9034550136cc770f9509731cef543f"


def test_agentboot_when_spoken_to_as_in_the_reference_then_answers_as_there(host):
    host.up()
    assert host.raw(octets("42 00 4C B3 04 00 00 9E 49 4D 42 4F 2E 82 DA 6C")) == octets(
        "42 00 4C B3 00 00 08 AD 88 E5"
    )
    assert host.raw(AGBOOT * 2) == b""
    assert host.raw(octets("AA D3 02 2B") * 2) == octets("AA D3 02 2B")
    said = host.raw(octets("20 00 CD 32 00 00 00 00 B3 5B C3 EA"))
    assert said[:18] == octets("20 00 CD 32 00 0C 01 00 00 01 01 00 00 00 11 26 21 20")
    said = host.raw(octets("21 00 CD 32 00 00 00 00 2D 5B 69 26"))
    assert said == octets("21 00 CD 32 00 04 48 4D 49 54 25 4F 95 03")
    said = host.raw(octets("22 00 CD 32 00 00 00 00 CE 5C E6 A8"))
    assert said == octets("22 00 CD 32 00 00 BB 02 6E 58")
    said = host.raw(octets("31 00 CD 32 04 00 00 9E 10 01 00 00 13 E2 4E AC"))
    assert said == octets("31 00 CD 32 00 04 10 01 00 00 85 FC BF 1E")
    assert host.raw(packet(0x32, head(BOOT_ID, octets("01 02 03 04")))) != b""
    said = host.raw(octets("3A 00 CD 32 00 00 00 00 50 76 B8 07"))
    assert said == octets("3A 00 CD 32 00 00 4D 82 EB B7")
    assert host.raw(AGBOOT * 2) == AGBOOT
    assert host.ask(0x31, octets("04 00 00 00")) == (0, octets("04 00 00 00"))
    said = host.raw(octets("32 01 CD 32 04 00 00 9E 01 02 03 04 5A F6 FD DC"))
    assert said == octets("32 02 CD 32 00 00 40 53 78 21")
    assert host.raw(octets("3A 00 CD 32 00 00 00 00 50 76 B8 07")) == octets("3A 00 CD 32 00 00 4D 82 EB B7")
    said = host.raw(octets("44 00 4C B3 00 00 00 00 AD AB 08 E7"))
    assert said == octets("44 00 4C B3 00 04 00 00 00 00 F3 EB F4 EE")
    said = host.raw(octets("AA 00 4C B3 00 00 00 00 FE 9C 52 71"))
    assert said == octets("AA 00 4C B3 00 08 5A 7A 5A 7A 5A 7A 5A 7A A5 E8 98 9A")


@pytest.mark.parametrize(
    "wire",
    [
        "42 00 4C B3 04 00 00 9E 49 42 4B 44 D2 A7 96 21",
        "42 00 4C B3 06 00 00 D1 49 42 50 43 01 E1 36 57 D1 F2",
        "42 00 4C B3 04 00 00 9E 49 58 4C 46 9F 76 68 91",
    ],
    ids=["ap", "cp-in-cp-flash", "flex"],
)
def test_burn_one_when_any_image_of_the_reference_then_acknowledged(host, wire):
    assert host.up().raw(octets(wire)) == octets("42 00 4C B3 00 00 08 AD 88 E5")


def test_erase_when_the_packet_of_the_reference_then_that_sector_is_erased():
    bench = Bench()
    for offset in (0x1C3FFF, 0x1C4000, 0x1C4FFF, 0x1C5000):
        bench.flash.program(offset, b"\0")
    said = bench.host.up().raw(octets("10 00 4C B3 08 00 00 25 00 10 00 00 00 40 9C 00 07 15 B5 B7"))
    assert said[:6] == octets("10 00 4C B3 00 00")
    assert bench.flash.read(0x1C3FFF, 2) == b"\0\xff"
    assert bench.flash.read(0x1C4FFF, 2) == b"\xff\0"


def test_words_when_typed_then_those_of_the_reference():
    assert (octets("00D3022B"), octets("AAD3022B"), octets("CDD3022B")) == (DLBOOT, AGBOOT, LPC)
    assert len(AGENTBOOT) > 0x800
