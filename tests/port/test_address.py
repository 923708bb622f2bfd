"""One grammar of addresses; ``auto`` only with exactly one candidate."""

from __future__ import annotations

import asyncio

import pytest

from moduline.errors import BadAddress, NoModule, PortBusy, SeveralModules
from moduline.port.address import open_address, open_port, resolve
from moduline.port.identity import ask_imei
from moduline.port.listing import PortInfo, read_slots, write_slots
from moduline.port.pty import PtyEnd
from moduline.port.serial import open_serial
from moduline.port.usb_ids import find_usb_id, role_of


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MODULINE_HOME", str(tmp_path))
    return tmp_path


def virtual(name, rack="bench", role="at", **facts):
    return PortInfo(
        f"/dev/{rack}-{name}-{role}", role, f"virt-{rack}-{name}", 0x2C7C, 0x0901, name=name, rack=rack, **facts
    )


REAL = [
    PortInfo("/dev/ttyUSB0", "diag", "1-2.4", 0x2C7C, 0x0901),
    PortInfo("/dev/ttyUSB2", "at", "1-2.4", 0x2C7C, 0x0901),
]
MOUSE = PortInfo("/dev/ttyUSB9", "serial", "1-9", 0x1234, 0x5678)
ONE = [virtual("m1", slot="A1", imei="861234567890123"), virtual("m1", role="repl", slot="A1", imei="861234567890123")]
TWO = [*ONE, virtual("m2", slot="A2", imei="861234567890124")]


@pytest.mark.parametrize(
    ("address", "ports", "path"),
    [
        ("auto", [*ONE, MOUSE], "/dev/bench-m1-at"),
        ("auto", REAL, "/dev/ttyUSB2"),
        ("virt:m1", TWO, "/dev/bench-m1-at"),
        ("virt:2", TWO, "/dev/bench-m2-at"),
        ("virt:bench/m2", TWO, "/dev/bench-m2-at"),
        ("imei:861234567890124", TWO, "/dev/bench-m2-at"),
        ("usb:1-2.4", [*TWO, *REAL], "/dev/ttyUSB2"),
        ("usb:virt-bench-m1", TWO, "/dev/bench-m1-at"),
        ("slot:A2", TWO, "/dev/bench-m2-at"),
        ("slot:bench/a2", TWO, "/dev/bench-m2-at"),
        (" tcp:localhost:4711 ", [], "tcp:localhost:4711"),
        ("tcp:[::1]:4711", [], "tcp:[::1]:4711"),
        ("rfc2217://10.0.0.7:4711", [], "rfc2217://10.0.0.7:4711"),
        ("/dev/ttyS0", [], "/dev/ttyS0"),
        ("COM7", [], "COM7"),
    ],
)
def test_address_when_it_matches_then_the_port(address, ports, path):
    assert resolve(address, "at", ports).path == path


def test_role_when_several_are_welcome_then_the_best_of_the_one_module():
    ports = [virtual("m1"), virtual("m2", role="download")]
    assert resolve("virt:m2", ("download", "at"), ports).role == "download"
    assert resolve("virt:m1", ("download", "at"), ports).role == "at"
    with pytest.raises(SeveralModules):
        resolve("auto", ("download", "at"), ports)


@pytest.mark.parametrize(
    "address",
    ["", "virt:", "usb:", "bus:1", "tcp:host", "tcp:host:0", "tcp:host:99999", "rfc2217://host", "imei", "m1"],
)
def test_address_when_no_form_then_bad_address(address):
    with pytest.raises(BadAddress):
        resolve(address, "at", ONE)


@pytest.mark.parametrize("address", ["auto", "virt:m9", "virt:9", "usb:1-9", "slot:Z9", "imei:000000000000000"])
def test_address_when_nothing_matches_then_no_module(address):
    with pytest.raises(NoModule):
        resolve(address, "at", [MOUSE])


def test_role_when_the_module_has_none_then_no_module():
    with pytest.raises(NoModule):
        resolve("virt:m1", "download", ONE)


def test_auto_when_two_match_then_a_list_to_paste():
    """surface.md: exit 4 and a list ready to paste."""
    with pytest.raises(SeveralModules) as several:
        resolve("auto", "at", [*TWO, *REAL, MOUSE])
    assert several.value.exit_code == 4
    assert several.value.facts["count"] == 3
    choices = several.value.facts["choices"].split(", ")
    assert [resolve(choice, "at", [*TWO, *REAL]).path for choice in choices] == [
        "/dev/ttyUSB2",
        "/dev/bench-m1-at",
        "/dev/bench-m2-at",
    ]


def test_name_when_in_two_racks_then_the_list_names_the_racks():
    ports = [virtual("m1"), virtual("m1", rack="other")]
    with pytest.raises(SeveralModules) as several:
        resolve("virt:m1", "at", ports)
    assert several.value.facts["choices"] == "virt:bench/m1, virt:other/m1"


def test_port_when_held_by_another_then_port_busy():
    async def run():
        far = PtyEnd()
        near = await open_address(far.path)
        with pytest.raises(PortBusy):
            open_serial(far.path)
        await near.close()
        await open_serial(far.path).close()
        await far.close()

    asyncio.run(run())


def test_port_when_missing_or_no_terminal_then_says_so(tmp_path):
    with pytest.raises(NoModule):
        open_serial(str(tmp_path / "none"))
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    with pytest.raises(PortBusy):
        open_serial(str(plain))
    with pytest.raises(PortBusy):
        open_serial(str(tmp_path))


def test_tcp_when_nobody_listens_then_no_module():
    with pytest.raises(NoModule):
        asyncio.run(open_port(resolve("tcp:127.0.0.1:1")))
    with pytest.raises(NoModule):
        asyncio.run(open_port(resolve("rfc2217://127.0.0.1:1")))


def test_imei_when_a_real_module_is_asked_over_at_then_its_answer_counts():
    """A peer that echoes and answers as a module does."""
    far = PtyEnd()

    async def module():
        line = b""
        while not line.endswith(b"\n"):
            line += await far.read_some()
        await far.write_all(line + b"\r\n861234567890123\r\n\r\nOK\r\n")

    async def run():
        answering = asyncio.create_task(module())
        imei = await asyncio.to_thread(ask_imei, far.path)
        await answering
        await far.close()
        return imei

    assert asyncio.run(run()) == "861234567890123"
    assert ask_imei("/dev/does-not-exist") == ""


def test_usb_ids_when_looked_up_then_mode_and_role():
    """platform-unisoc 8: by ids, then by name, then by number."""
    running, download = find_usb_id(0x2C7C, 0x0901), find_usb_id(0x0525, 0xA4A7)
    assert (running.mode, download.mode, download.chip) == ("running", "download", "unisoc8910")
    assert find_usb_id(0x1782, 0x4D16).chip == "unisoc8850"
    assert role_of(running, "Quectel USB AT Port", 8) == "at"
    assert role_of(running, "Quectel USB REPL Port", None) == "repl"
    assert role_of(running, "", 2) == "at"
    assert role_of(download, "", 0) == "download"
    assert role_of(None, "SPRD U2S Diag (COM7)", None) == "download"
    assert role_of(None, "Arduino", 0) == "serial"


def test_slots_when_mapped_then_kept_and_taken_away(home):
    write_slots("jig", [("A1", "1-2.1"), ("A2", "1-2.2")])
    write_slots("jig", [("A2", ""), ("A3", "1-2.3")])
    assert read_slots() == {"jig": {"A1": "1-2.1", "A3": "1-2.3"}}
    assert [path.name for path in home.iterdir()] == ["slots.json"]
