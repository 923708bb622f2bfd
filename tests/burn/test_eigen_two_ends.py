"""The EigenComm driver against the virtual module's boot ROM and agentboot in memory: two minds, one codec."""

from __future__ import annotations

import hashlib

import pytest

from burn.eigen_packages import AGENTBOOT, BACKUP_FS, BOOT, MODEM, SYSTEM, USER_FS, package
from eigen_package import entries_of
from moduline.burn.drivers import session_for
from moduline.burn.drivers.eigen_table import State
from moduline.burn.plan import make_plan
from moduline.burn.session import NvRead
from moduline.errors import FlashCut, ModulineError
from moduline.formats.container import eigen
from moduline.nor.faulty import FaultyFlash
from moduline.nor.memory import MemoryFlash
from moduline.package import read_package
from moduline.vmodule.download.eigen import EigenSession
from moduline.vmodule.download.events import PartDone, ResetWanted, StageEntered
from moduline.vmodule.facts import identity_of
from samples import sample

CP_START = 0x400000
SWEEP = [pytest.param(step, marks=() if step > 99 else pytest.mark.sweep) for step in (199, 7)]


class Bench:
    """A module and a clock; ``burn`` is one try with a fresh session on both sides."""

    def __init__(self):
        self.identity = identity_of("ec600e", "m1")
        self.flash = FaultyFlash(MemoryFlash(self.identity.geometry))
        self.events = []
        self.now = 0.0
        self.spoilt = {"host": -1, "module": -1}
        self.power()

    def power(self):
        """Re-power in download mode."""
        self.flash.power_on()
        self.module = EigenSession(self.identity.chip, self.identity.storage(self.flash))
        self.module.advance(self.now)

    def burn(self, plan, limit_bytes=None, fragment=None):
        """The session after its end; ``limit_bytes`` of the host's bytes arrive, then the cable is out."""
        session = session_for(plan)
        left = limit_bytes if limit_bytes is not None else 1 << 60
        self._told(session, session.start(self.now))
        while not session.is_over:
            data = session.bytes_to_send()
            session.prepare()
            if data[:left]:
                self.events += self.module.receive(self._on_the_wire(data[:left], "host"))
            left -= len(data)
            if left <= 0:
                return session
            answer = self._on_the_wire(self.module.bytes_to_send(), "module")
            if not answer:
                answer = self._wait(session)
            size = fragment or max(1, len(answer))
            for at in range(0, len(answer), size):
                self._told(session, session.receive(answer[at : at + size], self.now))
                if session.is_over:
                    break
        return session

    def _on_the_wire(self, data, speaker):
        """The bytes as they arrive: byte ``spoilt`` of what this end says has one wrong bit."""
        at = self.spoilt[speaker]
        self.spoilt[speaker] -= len(data)
        return data[:at] + bytes((data[at] ^ 0x10,)) + data[at + 1 :] if 0 <= at < len(data) else data

    def _wait(self, session):
        """Time goes on until the module speaks by itself or the session wakes up."""
        while self.now < session.wake_at:
            self.now = min(session.wake_at, self.module.wake_at_s or session.wake_at)
            self.events += self.module.advance(self.now)
            if answer := self.module.bytes_to_send():
                return answer
        self._told(session, session.wake(self.now))
        return b""

    def _told(self, session, events):
        for event in events:
            if isinstance(event, NvRead):
                self._told(session, session.stored(self.now))

    def assert_burnt(self):
        """Every byte of the package where it belongs, and nothing else but the two heads."""
        expected = bytearray(b"\xff" * 0x500000)
        for at, data in (
            (0x4000, BOOT),
            (0x24000, SYSTEM),
            (0x300000, USER_FS),
            (0x360000, BACKUP_FS),
            (CP_START, MODEM),
        ):
            expected[at : at + len(data)] = data
        for head in (0x0, 0x2000):
            expected[head : head + 0x110] = self.flash.read(head, 0x110)
        found = bytearray(self.flash.read(0, 0x500000))
        assert found == expected


@pytest.fixture
def bench():
    return Bench()


@pytest.mark.parametrize("fragment", [None, 1, 5])
def test_burn_when_both_ends_talk_then_the_flash_is_the_package(bench, fragment):
    session = bench.burn(make_plan(package(), verify="all"), fragment=fragment)
    assert session.state is State.DONE
    bench.assert_burnt()
    kinds = [type(event) for event in bench.events]
    assert kinds.count(StageEntered) == 1
    assert kinds.count(PartDone) >= 5
    assert ResetWanted in kinds
    assert bench.now < 1.0


def test_calibration_when_everything_is_burnt_then_as_it_was(bench):
    factory, rr = bytes(range(256)) * 0x100, b"rr" * 0xC800
    for at, data in ((0x3CC000, factory), (CP_START + 0xE7000, rr)):
        bench.flash.program(at, data)
    bench.burn(make_plan(package()))
    assert bench.flash.read(0x3CC000, len(factory)) == factory
    assert bench.flash.read(CP_START + 0xE7000, len(rr)) == rr


def test_real_package_when_burnt_with_the_real_agentboot_then_every_image_is_in_its_place(bench):
    """platform-eigencomm 1.3: BL 0x4000, AP 0x24000, CP 0 of the modem's flash; the hashes are the package's own."""
    binpkg = sample("eigen/EC600E_at_command_v106.binpkg").read_bytes()
    agentboot = sample("eigen/agentboot_usb_ec618.bin").read_bytes()
    members = {"EC600E/agentboot_usb/agentboot.bin": agentboot, "EC600E/at_command.binpkg": binpkg}
    plan = make_plan(read_package(eigen.make(members), "real.zip"))
    assert bench.burn(plan).state is State.DONE
    entries = entries_of(binpkg)
    assert [(name, address) for name, address, *_ in entries] == [
        ("ap_bootloader", 0x4000),
        ("ap_at_command", 0x24000),
        ("cp-demo-flash", 0),
    ]
    for _, address, _, kind, data, digest in entries:
        found = bench.flash.read(address + CP_START * (kind == "CP"), len(data))
        assert hashlib.sha256(found).hexdigest() == digest


@pytest.mark.parametrize("step", SWEEP)
def test_burn_when_the_power_is_cut_at_a_flash_operation_then_the_next_try_completes(bench, step):
    """The module boots into its ROM by the pin, wherever the power went."""
    plan = make_plan(package(), verify="device")
    bench.burn(plan)
    total = bench.flash.operation
    for at in range(0, total, step):
        bench.power()
        bench.flash.arm(f"cut@{at}" if at % 2 else f"tear@{at}:{at}")
        with pytest.raises(FlashCut):
            bench.burn(plan)
        bench.power()
        assert bench.burn(plan).state is State.DONE
        bench.assert_burnt()


def cable_places():
    """Byte counts around every packet of a burn's beginning, and samples of the rest."""
    first = len(AGENTBOOT) + 0x110 + 600
    return [*range(1, 1500, 37), *range(first, first + 900, 29), *range(30_000, 240_000, 14_741)]


@pytest.mark.parametrize("is_powered", [True, False], ids=["stays powered", "re-powered"])
def test_burn_when_the_cable_is_out_at_a_byte_then_the_next_try_completes(bench, is_powered):
    plan = make_plan(package(), verify="device")
    for limit in cable_places():
        bench.burn(plan, limit_bytes=limit)
        if not is_powered:
            bench.power()
        try:
            session = bench.burn(plan)
        except ModulineError:
            assert is_powered, limit  # half a packet in the ROM: the guide says re-power
            bench.power()
            session = bench.burn(plan)
        assert session.state is State.DONE, limit
        bench.assert_burnt()
        bench.power()


@pytest.mark.parametrize("speaker", ["host", "module"])
def test_bits_when_flipped_on_the_wire_then_an_error_and_never_a_wrong_flash_called_good(bench, speaker):
    """Every answer is checked, every request too: a flipped bit costs a try, never the module."""
    plan = make_plan(package())
    outcomes = set()
    for place in [*range(0, 700, 9), *range(700, 20_000, 613)]:
        bench.power()
        bench.spoilt[speaker] = place
        try:
            session = bench.burn(plan)
        except ModulineError as failed:
            outcomes.add(failed.code)
            continue
        outcomes.add("done")
        assert session.state is State.DONE
        bench.assert_burnt()
    assert outcomes > {"done", "ML-E0602"}
