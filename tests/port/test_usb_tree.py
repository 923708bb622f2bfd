"""The USB tree from made-up folders: drivers, modules without a port, hubs without a supply, too many hubs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from moduline.port.diagnosis import holders_of, judge_hubs, judge_portless, judge_ports
from moduline.port.listing import PortInfo
from moduline.port.usb_tree import driver_of, modules_on_usb, weak_hub_of

PORT = PortInfo("/dev/ttyUSB2", "at", "1-2.4", 0x2C7C, 0x0901)


@pytest.fixture
def system(tmp_path):
    """A /sys; ``device(place, vid, pid)``, ``hub(place, attributes)``, ``tty(place, name, driver)``."""

    class System:
        root = tmp_path / "sys"
        devices = root / "bus" / "usb" / "devices"

        def device(self, place, vid, pid):
            folder = self.devices / place
            folder.mkdir(parents=True)
            (folder / "idVendor").write_text(f"{vid:04x}\n")
            (folder / "idProduct").write_text(f"{pid:04x}\n")
            return folder

        def hub(self, place, attributes):
            folder = self.device(place, 0x05E3, 0x0608)
            (folder / "bDeviceClass").write_text("09\n")
            (folder / "bmAttributes").write_text(f"{attributes:02x}\n")

        def tty(self, place, name, driver):
            (self.devices / place / f"{place}:1.2" / name).mkdir(parents=True)
            target = self.root / "bus" / "usb-serial" / "drivers" / driver
            target.mkdir(parents=True, exist_ok=True)
            folder = self.root / "class" / "tty" / name / "device"
            folder.mkdir(parents=True)
            (folder / "driver").symlink_to(target)

    return System()


def test_driver_when_the_system_says_it_then_named(system, tmp_path):
    system.device("1-2.4", 0x2C7C, 0x0901)
    system.tty("1-2.4", "ttyUSB2", "option1")
    assert driver_of("/dev/ttyUSB2", system.root) == "option1"
    assert driver_of("/dev/ttyS9", system.root) == ""
    path = tmp_path / "ttyUSB2"
    path.touch()
    findings = judge_ports([replace(PORT, path=str(path))], tmp_path / "no processes", [], system.root)
    assert [one.what.en for one in findings] == ["at: free (driver option1)"]


def test_module_when_no_driver_took_it_then_a_problem_with_the_command(system):
    system.device("1-2.4", 0x1782, 0x4D16)
    system.device("1-3", 0x046D, 0xC31C)  # a keyboard
    assert [(one.place, one.ports) for one in modules_on_usb(system.root)] == [("1-2.4", 0)]
    (finding,) = judge_portless([], system.root)
    assert (finding.level, finding.subject) == ("problem", "1-2.4")
    assert "1782 4d16 > /sys/bus/usb-serial/drivers/option1/new_id" in finding.remedy.en
    system.tty("1-2.4", "ttyUSB0", "option1")
    assert modules_on_usb(system.root)[0].ports == 1
    assert judge_portless([], system.root) == []


def test_acm_port_when_made_then_counted(system):
    folder = system.device("1-2", 0x0525, 0xA4A7)
    (folder / "1-2:1.0" / "tty" / "ttyACM0").mkdir(parents=True)
    assert modules_on_usb(system.root)[0].ports == 1


@pytest.mark.parametrize(("attributes", "weak"), [(0x80, "1-2"), (0xA0, "1-2"), (0xE0, ""), (0xC0, "")])
def test_hub_when_it_has_no_supply_of_its_own_then_a_hint(system, attributes, weak):
    """Bit 6 of bmAttributes in the configuration descriptor: self-powered (USB 2.0, 9.6.3)."""
    system.hub("1-2", attributes)
    assert weak_hub_of("1-2.4", system.root) == weak
    assert weak_hub_of("1-2", system.root) == ""
    assert len(judge_hubs([PORT], system.root)) == bool(weak)


def test_hubs_when_five_in_a_row_then_a_hint(system):
    findings = judge_hubs([replace(PORT, location="1-1.1.1.1.1.1")], system.root)
    assert "five" in findings[0].what.en


def test_system_when_it_has_no_such_tree_then_nothing(tmp_path):
    assert modules_on_usb(tmp_path) == []
    assert judge_portless([], tmp_path) == []


def test_holder_when_it_is_the_modules_own_rack_then_not_counted(tmp_path):
    port = tmp_path / "tty"
    port.touch()
    for pid, parent in ((50, 1), (51, 50), (52, 51), (60, 1)):
        (tmp_path / str(pid) / "fd").mkdir(parents=True)
        (tmp_path / str(pid) / "comm").write_text("python\n")
        (tmp_path / str(pid) / "stat").write_text(f"{pid} (a ) b) S {parent} 0 0")
        (tmp_path / str(pid) / "fd" / "3").symlink_to(port)
    assert holders_of(str(port), tmp_path, owner=50) == ("python (60)",)
    assert len(holders_of(str(port), tmp_path)) == 4
