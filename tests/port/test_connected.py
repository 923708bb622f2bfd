"""Ports as the modules that people see."""

from __future__ import annotations

from dataclasses import replace

import pytest

from moduline.port.connected import connected_modules, unknown_ports
from moduline.port.listing import PortInfo

AT = PortInfo(
    "/x/m1/at", "at", "virt-bench-1", 0x2C7C, 0x0901, "AT", "m1", "bench", "A1", "EC600U", "860000000000018", "running"
)
REPL = replace(AT, path="/x/m1/repl", role="repl")
UART = replace(AT, path="/x/m1/uart2", role="uart2", vid=0, pid=0)
REAL_AT = PortInfo("/dev/ttyUSB2", "at", "1-2.4", 0x2C7C, 0x6001, "AT Port")
REAL_REPL = replace(REAL_AT, path="/dev/ttyUSB5", role="repl")
ARDUINO = PortInfo("/dev/ttyACM0", "serial", "1-3", 0x2341, 0x0043, "Uno")


def test_ports_when_of_one_place_then_one_module():
    found = connected_modules([REAL_AT, AT, REAL_REPL, UART, REPL, ARDUINO])
    assert [(one.address, one.state, one.imei) for one in found] == [
        ("virt:m1", "running", "860000000000018"),
        ("usb:1-2.4", "running", ""),
    ]
    assert [port.path for port in found[0].ports] == ["/x/m1/at", "/x/m1/uart2", "/x/m1/repl"]
    assert found[0].port("repl") == REPL
    assert found[0].port("download") is None
    assert "EC600S" in found[1].model


def test_module_when_only_its_uart_is_heard_then_it_is_not_connected():
    assert connected_modules([UART]) == []
    assert unknown_ports([UART]) == []


@pytest.mark.parametrize(
    ("port", "state"),
    [
        (replace(AT, state="booting"), "booting"),
        (replace(AT, role="download", state="download", model="", imei=""), "download"),
        (replace(REAL_AT, role="download", vid=0x2ECC, pid=0x3017), "download"),
        (replace(REAL_AT, role="diag"), "booting"),
        (REAL_AT, "running"),
    ],
)
def test_module_when_seen_then_its_state_is_what_it_shows(port, state):
    assert [one.state for one in connected_modules([port])] == [state]


def test_modules_when_named_alike_then_their_addresses_name_the_rack():
    other = replace(AT, path="/y/m1/at", location="virt-desk-1", rack="desk")
    assert [one.address for one in connected_modules([AT, other])] == ["virt:bench/m1", "virt:desk/m1"]


def test_modules_when_listed_then_numbers_count():
    ports = [
        replace(AT, path=f"/x/{name}", location=f"virt-bench-{name}", name=name, slot=slot)
        for name, slot in (("m10", "A10"), ("m2", "A2"), ("m1", "A1"))
    ]
    assert [one.name for one in connected_modules(ports)] == ["m1", "m2", "m10"]


def test_port_when_nobody_knows_it_then_it_is_listed_apart():
    assert unknown_ports([ARDUINO, REAL_AT, AT]) == [ARDUINO]
