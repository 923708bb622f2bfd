"""The 8850's FDL: what it has of its own beside FDL2's table, and every frame of the reference byte for byte."""

from __future__ import annotations

import pytest

from moduline.formats import nv
from moduline.nor.faulty import FaultyFlash
from moduline.nor.memory import MemoryFlash
from moduline.package import read_package
from moduline.vmodule.download.events import (
    BaudChanged,
    CutReached,
    DownloadFaults,
    Panicked,
    PartDone,
    PowerOffWanted,
    Refused,
    ResetWanted,
    UnplugReached,
)
from moduline.vmodule.download.unisoc8850 import BslSession
from moduline.vmodule.facts import identity_of
from moduline.vmodule.nv_store import factory_block
from samples import sample
from unisoc8850_host import (
    ACK,
    BAUD,
    CONNECT,
    CPIO,
    DEBUG,
    END,
    ERASE,
    EXEC,
    FORMAT,
    LOADER,
    MIDST,
    NV,
    PHASE_CHECK,
    POWER_OFF,
    READ,
    REPARTITION,
    RESET,
    START,
    VER_FDL,
    Host,
    cpio,
    frame,
    loader_for,
    sum16,
    unframed,
    words,
)

MERGED = "unisoc/EC600GCN_LD__8850XM_cat1_open_merge.pac"
FSYS, FMOD, FEXT = 0x53595346, 0x444F4D46, 0x54584546
FDL_ACK = "7e 00 80 00 00 ff 7f 7e"
INVALID = "7e 00 82 00 00 ff 7d 5d 7e"
NOT_STARTED = "7e 00 86 00 00 ff 79 7e"


@pytest.fixture
def identity():
    return identity_of("ec600g", "m1")


@pytest.fixture
def flash(identity):
    return FaultyFlash(MemoryFlash(identity.geometry))


@pytest.fixture
def storage(identity, flash):
    storage = identity.storage(flash)
    storage.nv.write_block(factory_block(identity.factory_imei, "m1", 0x28000))
    return storage


@pytest.fixture
def faults():
    return DownloadFaults()


@pytest.fixture
def rom(identity, storage, faults):
    return Host(BslSession(identity.profile, storage, faults))


@pytest.fixture
def fdl(rom):
    return rom.up()


def content(size, seed=1):
    return bytes((i * 31 + seed * 7 + (i >> 8)) & 0xFF for i in range(size))


# ---- frames of the reference -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        ("7e 00 00 00 00 ff ff 7e", FDL_ACK),
        ("7e 00 01 00 08 60 42 00 00 00 06 00 00 9f ae 7e", FDL_ACK),
        ("7e 00 01 00 08 60 03 00 00 00 20 ba 00 e5 d2 7e", FDL_ACK),
        ("7e 00 01 00 0c fe 00 00 03 00 02 00 00 12 34 56 78 99 40 7e", FDL_ACK),
        ("7e 00 01 00 08 fe 00 00 04 00 00 00 6a 01 88 7e", FDL_ACK),
        ("7e 00 01 00 08 00 81 00 00 00 00 cb e0 33 95 7e", "7e 00 89 00 00 ff 76 7e"),
        ("7e 00 02 00 03 01 02 03 fb f8 7e", NOT_STARTED),
        ("7e 00 03 00 00 ff fc 7e", NOT_STARTED),
        ("7e 00 04 00 00 ff fb 7e", INVALID),
        ("7e 00 05 00 00 ff fa 7e", FDL_ACK),
        ("7e 00 09 00 04 00 01 c2 00 3d f1 7e", FDL_ACK),
        ("7e 00 09 00 04 00 0e 10 00 ef e4 7e", FDL_ACK),
        ("7e 00 0a 00 08 60 42 00 00 00 06 00 00 9f a5 7e", FDL_ACK),
        ("7e 00 0a 00 08 60 00 00 00 00 02 00 00 9f eb 7e", FDL_ACK),
        ("7e 00 0a 00 08 fe 00 00 01 00 00 00 00 01 ec 7e", FDL_ACK),
        ("7e 00 0a 00 08 fe 00 00 06 53 59 53 46 5b 47 7e", FDL_ACK),
        ("7e 00 0a 00 08 fe 00 00 06 44 4f 4d 46 70 51 7e", FDL_ACK),
        ("7e 00 0a 00 08 00 00 00 00 ff ff ff ff ff ed 7e", FDL_ACK),
        ("7e 00 0b 00 00 ff f4 7e", FDL_ACK),
        ("7e 00 17 00 00 ff e8 7e", FDL_ACK),
    ],
)
def test_fdl_when_given_a_frame_of_the_reference_then_answers_as_the_device(fdl, sent, answer):
    """platform-unisoc 7."""
    assert fdl.raw(bytes.fromhex(sent)).hex(" ") == answer


def test_fdl_when_data_is_escaped_then_flash_holds_the_plain_bytes(fdl, flash):
    fdl.code(START, 0x60420000, 4)
    assert fdl.raw(bytes.fromhex("7e 00 02 00 04 7d 5e 7d 5d 01 02 80 7a 7e")).hex(" ") == FDL_ACK
    assert fdl.code(END) == ACK
    assert flash.read(0x420000, 5).hex(" ") == "7e 7d 01 02 ff"


def test_fdl_when_another_model_is_refused_then_the_reference_frame(rom):
    host = rom.up(loader_for(b"EC800GCNGA"))
    said = host.raw(bytes.fromhex("7e 00 0a 00 08 60 42 00 00 00 06 00 00 9f a5 7e"))
    assert said.hex(" ") == "7e 00 97 00 00 ff 68 7e"


# ---- greeting and framing --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", ["7e 7e", "7e 00 00 00 00 ff ff 7e", "7e 7e 00 00 00 00 ff ff 7e 7e"])
def test_fdl_when_not_greeted_with_three_flags_then_hears_nothing(rom, sent):
    rom.load()
    assert rom.raw(bytes.fromhex(sent)) == b""


def test_fdl_when_greeted_once_then_more_flags_mean_nothing(fdl):
    assert fdl.raw(b"\x7e" * 9) == b""
    assert fdl.raw(b"\x7e\x7e" + frame(CONNECT) + b"\x7e").hex(" ") == FDL_ACK


def test_fdl_when_a_frame_of_the_rom_comes_then_it_stops(fdl):
    """A host that still sums with CRC-16: the loader panics, as any wrong check makes it."""
    assert fdl.raw(bytes.fromhex("7e 00 00 00 00 00 00 7e")) == b""
    assert Panicked("bad-check") in fdl.events
    assert fdl.code(CONNECT) is None


def test_fdl_when_a_wrong_check_is_to_be_answered_then_0x8b(fdl, faults):
    faults.is_bad_check_answered = True
    assert fdl.raw(bytes.fromhex("7e 00 00 00 00 00 00 7e")).hex(" ") == "7e 00 8b 00 00 ff 74 7e"
    assert fdl.code(CONNECT) == ACK


def test_fdl_when_a_packet_is_larger_than_it_takes_then_dropped(fdl):
    fdl.code(START, 0x60030000, 0x8000)
    assert fdl.say(MIDST, bytes(0x3021)) is None
    assert fdl.say(MIDST, bytes(0x3020)) == (ACK, b"")


# ---- every command in every state ------------------------------------------------------------------------------------

REFUSED_TYPES = [0x07, 0x08, 0x0C, 0x0D, 0x0F, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x19, 0x1A, 0x1B, 0x1C, 0x21, 0x7F]
COMMANDS = [
    (CONNECT, (), ACK, ACK),
    (START, (0x60300000, 8), ACK, ACK),
    (END, (), 0x86, 0x8A),
    (EXEC, (), 0x82, 0x82),
    (RESET, (), ACK, ACK),
    (READ, (0x60300000, 8), 0x93, 0x93),
    (BAUD, (115200,), ACK, ACK),
    (BAUD, (), 0x82, 0x82),
    (ERASE, (0x60300000, 8), ACK, ACK),
    (ERASE, (0x60300000,), 0x82, 0x82),
    (REPARTITION, (), ACK, ACK),
    (POWER_OFF, (), ACK, ACK),
    (DEBUG, (), ACK, ACK),
    *((kind, (), 0x82, 0x82) for kind in REFUSED_TYPES),
]


@pytest.mark.parametrize(("command", "numbers", "idle", "receiving"), COMMANDS)
@pytest.mark.parametrize("state", ["idle", "receiving"])
def test_command_when_given_in_a_state_then_as_the_reference(fdl, state, command, numbers, idle, receiving):
    if state == "receiving":
        assert fdl.code(START, 0x60030000, 0x100) == ACK
        assert fdl.say(MIDST, bytes(0x80)) == (ACK, b"")
    assert fdl.code(command, *numbers) == (idle if state == "idle" else receiving)


def test_midst_when_nothing_was_begun_or_it_failed_then_0x86(fdl):
    assert fdl.say(MIDST, b"x") == (0x86, b"")
    fdl.code(START, 0x60030000, 4)
    assert fdl.say(MIDST, bytes(5)) == (0x8A, b"")
    assert fdl.say(MIDST, bytes(4)) == (0x86, b"")
    assert set(fdl.write(0x60030000, bytes(4))) == {ACK}


@pytest.mark.parametrize(
    ("address", "size", "answer"),
    [
        (0x60000000, 0x20000, ACK),
        (0x60000000, 0x20001, 0x8A),  # the first boot stage is collected in memory
        (0x60020000, 0x10000, ACK),
        (0x60800000, 4, 0x89),
        (0x607FF000, 0x1001, 0x8A),
        (0x70000000, 4, 0x84),
        (0x10000000, 4, 0x89),
        (0x50800000, 0x400, 0x89),
        (0xFE000001, 4, 0x89),
        (0xFE000005, 4, 0x89),
        (FORMAT, 4, 0x89),
        (PHASE_CHECK, 0xFF, 0x8A),
        (PHASE_CHECK, 0x100, ACK),
        (PHASE_CHECK, 0x101, 0x8A),
        (NV, 0x28000, ACK),
        (NV, 0x28001, 0x8A),
        (CPIO, 0x7FFFFFFF, ACK),
    ],
)
def test_start_when_place_and_size_are_given_then_as_the_reference(fdl, address, size, answer):
    assert fdl.code(START, address, size) == answer
    assert fdl.say(MIDST, b"1234") == (ACK if answer == ACK else 0x86, b"")


# ---- flash -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("packet", [0x210, 0x800, 0x1000, 0x3000])
def test_part_when_written_then_flash_holds_it(fdl, flash, packet):
    data = content(70_001)
    assert set(fdl.write(0x60030000, data, packet)) == {ACK}
    assert flash.read(0x30000, len(data) + 1) == data + b"\xff"
    assert PartDone(0x60030000, len(data)) in fdl.events


def test_first_boot_stage_when_received_then_written_only_at_end_and_boot_at_once(fdl, flash):
    old, new = content(0x11000, 1), content(0x10600, 2)
    assert set(fdl.write(0x60000000, old)) == {ACK}
    fdl.code(START, 0x60000000, len(new))
    for at in range(0, len(new), 0x800):
        fdl.say(MIDST, new[at : at + 0x800])
    assert flash.read(0, len(old)) == old
    assert fdl.code(END) == ACK
    assert flash.read(0, len(new)) == new
    fdl.code(START, 0x60020000, 0x800)
    fdl.say(MIDST, new[:0x800])
    assert flash.read(0x20000, 0x800) == new[:0x800]


def test_end_when_flash_lost_a_bit_or_a_fault_says_so_then_0x8b(fdl, flash, faults):
    fdl.code(START, 0x60030000, 0x800)
    fdl.say(MIDST, b"\xff" * 0x800)
    flash.program(0x30123, b"\xfe")
    assert fdl.code(END) == 0x8B
    faults.verify_errors.add(0x60020000)
    assert fdl.write(0x60020000, bytes(8))[-1] == 0x8B
    assert fdl.write(0x60030000, bytes(8))[-1] == ACK


def test_erase_all_when_done_then_phase_check_is_back_and_nv_is_lost(fdl, flash, storage):
    """platform-unisoc 6.5: unlike FDL2, so a host reads NV before."""
    assert set(fdl.write(PHASE_CHECK, content(0x100))) == {ACK}
    fdl.write(0x60030000, content(0x2000))
    assert fdl.code(ERASE, 0, 0xFFFFFFFF) == ACK
    assert flash.read(0, 0x7C0000) == b"\xff" * 0x7C0000
    assert storage.nv.read_phase_check() == content(0x100)
    assert storage.nv.read_block() is None
    assert fdl.code(READ, NV, 0x3000, 0) == 0x84


@pytest.mark.parametrize(
    ("numbers", "answer"),
    [
        ((0x607FF000, 0x1000), 0x93),
        ((0x607FF000, 0x1001), 0x82),
        ((0x60800000, 1), 0x82),
        ((0x50800000, 1), 0x82),
        ((0x70000000, 1), 0x84),
        ((0x60000000,), 0x82),
        ((NV, 0x10, 0x28000), 0x82),
        ((PHASE_CHECK, 0x100), 0x84),
    ],
)
def test_read_when_a_range_is_given_then_as_the_reference(fdl, numbers, answer):
    assert fdl.code(READ, *numbers) == answer


# ---- models ----------------------------------------------------------------------------------------------------------

ERASES = [(0x60000000, 0x20000), (0xFE000001, 0), (PHASE_CHECK, 0), (0xFE000005, 0), (FORMAT, FMOD), (0, 0xFFFFFFFF)]


@pytest.mark.parametrize("numbers", [*ERASES, ()])
def test_erase_when_the_loader_is_for_other_models_then_0x97_and_nothing_is_erased(rom, flash, storage, numbers):
    """platform-unisoc 5.6: the answer to every ERASE_FLASH."""
    host = rom.up(loader_for(b"EC800GCNGA", b"EG800GEUGA"))
    before = flash.operation
    assert host.code(ERASE, *numbers) == 0x97
    assert (flash.operation, storage.nv.imei != "") == (before, True)
    assert Refused("fdl", ERASE, 0x97) in host.events
    assert host.code(START, 0x60030000, 8) == ACK  # as in the source: only ERASE_FLASH looks


@pytest.mark.parametrize("names", [[b"EC600GCNLA"], [b"EC800GCNGA", b"EC600GCNLD"], []])
def test_erase_when_the_loader_names_this_module_or_none_then_done(rom, names):
    assert rom.up(loader_for(*names) if names else LOADER).code(ERASE, 0x60000000, 0x20000) == ACK


def test_erase_when_the_loader_is_the_real_one_then_an_ec600g_is_in_its_list_and_an_ec800g_is_not(storage):
    data = sample("unisoc/EC600GCN_LD__appimage.pac").read_bytes()
    image = data[data.index(b"SIHR") :][:0xE580]
    for slug, answer in (("ec600g", ACK), ("ec800g", 0x97)):
        host = Host(BslSession(identity_of(slug, "m1").profile, storage)).up(image)
        assert host.code(ERASE, 0x60420000, 0x1000) == answer


def test_erase_when_the_fault_is_switched_on_then_0x97_until_it_is_off(fdl, faults):
    faults.is_model_refused = True
    assert fdl.code(ERASE, 0x60420000, 0x1000) == 0x97
    faults.is_model_refused = False
    assert fdl.code(ERASE, 0x60420000, 0x1000) == ACK


# ---- NV --------------------------------------------------------------------------------------------------------------


def read_nv(host, size=0x3000):
    block = b""
    while True:
        kind, data = host.say(READ, words(NV, size, len(block)))
        if kind != 0x93:
            return block, kind
        block += data


def test_nv_when_read_to_the_end_then_the_whole_larger_block_then_0x82(fdl, identity):
    block, last = read_nv(fdl)
    assert (len(block), last) == (0x28000, 0x82)
    assert nv.is_crc_right(block)
    assert nv.read(block).imei == identity.factory_imei


def test_nv_when_read_then_it_has_every_item_a_real_package_insists_on(fdl):
    """Items without Continue, by the XML of a real EC600G package."""
    own = nv.read(read_nv(fdl)[0])
    package = read_package(sample(MERGED).read_bytes())
    assert [
        one.name for one in package.nv_items if not one.may_be_missing and one.id and own.item(one.id) is None
    ] == []


def test_nv_when_crc_is_stale_then_0x84_and_the_old_block_stays(fdl, storage):
    """The template of the real package as it is: hosts must compute its check anew."""
    template = read_package(sample(MERGED).read_bytes()).part("NV").data
    before = storage.nv.read_block()
    assert fdl.write(NV, template)[-1] == 0x84
    assert storage.nv.read_block() == before
    assert set(fdl.write(NV, nv.with_right_crc(template))) == {ACK}
    assert read_nv(fdl)[0] == nv.with_right_crc(template)


def test_nv_when_written_with_the_third_word_of_the_vendors_host_then_taken(fdl, storage):
    block = nv.write(nv.read(storage.nv.read_block()).with_item(0x300, b"changed"))
    assert fdl.code(START, NV, len(block), sum(block)) == ACK
    for at in range(0, len(block), 0x800):
        assert fdl.say(MIDST, block[at : at + 0x800]) == (ACK, b"")
    assert fdl.code(END) == ACK
    assert read_nv(fdl)[0] == block


# ---- file systems ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("packet", [1, 7, 0x800])
def test_archive_when_written_then_members_lie_in_the_file_systems_of_their_paths(fdl, storage, packet):
    data = cpio(
        (b"modem", None), (b"modem/cp.bin", b"code"), (b"factory/delta.bin", b"nv"), (b"prepack/x.txt", b"text")
    )
    assert set(fdl.write(CPIO, data, packet)) == {ACK}
    stores = {mount: volume.files for mount, volume in storage.volumes.items()} | {"/": storage.files}
    found = {mount: [p for p in files.paths() if p.startswith("/")] for mount, files in stores.items()}
    assert found == {
        "/modem": ["/modem", "/modem/cp.bin"],
        "/factory": ["/factory/delta.bin"],
        "/": ["/prepack/x.txt"],
    }
    assert storage.store_of("/modem/cp.bin").read("/modem/cp.bin") == b"code"
    assert storage.nv.imei


def test_archives_when_the_real_ones_then_every_member_is_there(fdl, storage):
    package = read_package(sample(MERGED).read_bytes())
    for name in ("CP", "INDELTANV"):
        assert set(fdl.write(CPIO, package.part(name).data, 0x3000)) == {ACK}
    modem = storage.volumes["/modem"].files
    assert len(modem.paths()) == 15
    assert len(modem.read("/modem/cp.bin.001")) == 50632
    assert len(storage.volumes["/factory"].files.read("/factory/indeltanv_110263_6.bin")) == 1570


def test_format_when_a_device_is_named_then_only_that_file_system_is_emptied(fdl, storage):
    fdl.write(CPIO, cpio((b"modem/a", b"1"), (b"x", b"2"), (b"factory/f", b"3")))
    assert fdl.code(ERASE, FORMAT, FMOD) == ACK
    assert (storage.volumes["/modem"].files.paths(), storage.files.paths()) == ((), ("/x",))
    assert fdl.code(ERASE, FORMAT, FSYS) == ACK
    assert storage.files.paths() == ()
    assert storage.store_of("/factory/f").read("/factory/f") == b"3"


@pytest.mark.parametrize("device", [FEXT, int.from_bytes(b"FFAC", "little"), 0, 0xFFFFFFFF])
def test_format_when_there_is_no_such_device_then_0x84(fdl, storage, device):
    assert fdl.code(ERASE, FORMAT, device) == 0x84
    assert storage.nv.imei


def test_running_nv_when_erased_then_its_file_is_gone(fdl, storage):
    storage.files.keep("/nvm/running", b"state")
    assert fdl.code(ERASE, 0xFE000001, 0) == ACK
    assert storage.files.read("/nvm/running") is None


TOO_LARGE = b"x" * 0x190001
FAILURES = {
    "too-large": ((b"modem/big", TOO_LARGE), 0x8A),
    "no-room": ((b"factory/noise", None), 0x8A),  # filled in by the test: it does not compress
    "dots": ((b"modem/../x", b"1"), 0x89),
    "empty-part": ((b"modem//x", b"1"), 0x89),
    "no-name": ((b"", b"1"), 0x89),
    "too-long": ((b"p" * 192, b"1"), 0x89),
    "no-text": ((b"\xff" * 100, b"1"), 0x89),  # grows to 300 bytes of replacement characters
}


@pytest.mark.parametrize("case", FAILURES)
def test_member_when_it_cannot_be_kept_then_its_answer_and_a_second_0x8a_for_the_same_packet(fdl, storage, case):
    """platform-unisoc 3.4."""
    import random

    member, answer = FAILURES[case]
    if case == "no-room":
        member = (member[0], random.Random(1).randbytes(0x21000))
    data = cpio((b"modem/before", b"1"), member, (b"modem/after", b"2"))
    assert fdl.code(START, CPIO, len(data)) == ACK
    answers = [(ACK, b"")]
    at = 0
    while answers == [(ACK, b"")]:
        answers = fdl.told(MIDST, data[at : at + 0x3000])
        at += 0x3000
    assert answers == [(answer, b""), (0x8A, b"")]
    assert {Refused("fdl", MIDST, answer), Refused("fdl", MIDST, 0x8A)} <= set(fdl.events)
    assert fdl.say(MIDST, b"more") == (0x86, b"")
    assert fdl.code(END) == 0x86
    assert storage.volumes["/modem"].files.paths() == ("/modem/before",)
    assert storage.nv.imei


def test_member_when_just_not_too_large_then_kept(fdl, storage):
    data = cpio((b"modem/big", b"x" * 0x190000))
    assert set(fdl.write(CPIO, data, 0x3000)) == {ACK}
    assert len(storage.volumes["/modem"].files.read("/modem/big")) == 0x190000


def test_archive_when_more_comes_than_announced_then_one_0x8a(fdl):
    data = cpio((b"modem/a", b"1"))
    fdl.code(START, CPIO, len(data) - 1)
    assert fdl.told(MIDST, data) == [(0x8A, b"")]


def test_archive_when_it_is_none_then_0x84(fdl):
    fdl.code(START, CPIO, 64)
    assert fdl.told(MIDST, b"PK\x03\x04" + bytes(60)) == [(0x84, b""), (0x8A, b"")]


def test_archive_when_the_modems_file_system_is_foreign_then_0x84_until_formatted(fdl, flash, storage):
    flash.program(0x518000, b"somebody else")
    fdl.code(START, CPIO, 200)
    assert fdl.told(MIDST, cpio((b"modem/a", b"1"))) == [(0x84, b""), (0x8A, b"")]
    assert set(fdl.write(CPIO, cpio((b"x", b"1")))) == {ACK}
    assert fdl.code(ERASE, FORMAT, FMOD) == ACK
    assert set(fdl.write(CPIO, cpio((b"modem/a", b"1")))) == {ACK}


@pytest.mark.parametrize(
    ("place", "address", "size"), [(0x3A1000, CPIO, 106), (0x7C0000, NV, 0x28000), (0x7C0000, PHASE_CHECK, 256)]
)
def test_start_when_the_file_system_below_is_foreign_then_0x96(fdl, flash, place, address, size):
    flash.erase(place, 0x40000)
    flash.program(place, b"somebody else")
    assert fdl.code(START, address, size) == 0x96


# ---- leaving, faults -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("command", "event"), [(RESET, ResetWanted()), (POWER_OFF, PowerOffWanted())])
def test_leaving_when_asked_then_acknowledged_and_nothing_is_heard_after(fdl, command, event):
    assert fdl.code(command) == ACK
    assert fdl.events[-1] == event
    assert fdl.code(CONNECT) is None


def test_baud_when_changed_then_reported(fdl):
    assert fdl.code(BAUD, 921600) == ACK
    assert BaudChanged(921600) in fdl.events


def test_faults_when_silent_or_logging_then_the_wire_shows_it(fdl, faults):
    faults.has_log_frames = True
    assert [kind for kind, _ in unframed(fdl.raw(frame(CONNECT)))] == [0xFF, ACK]
    faults.is_silent = True
    assert fdl.raw(frame(CONNECT)) == b""


def test_faults_when_content_limit_is_reached_then_counted_from_the_rom_on(fdl, faults):
    before = len(LOADER)
    assert fdl.session.content_bytes == before
    faults.unplug_at_bytes = before + 0x1000
    fdl.code(START, 0x60030000, 0x4000)
    fdl.say(MIDST, bytes(0xFFF))
    assert UnplugReached() not in fdl.events
    fdl.say(MIDST, bytes(1))
    assert UnplugReached() in fdl.events
    faults.cut_at_bytes = before + 0x1001
    assert fdl.say(MIDST, bytes(1)) is None
    assert CutReached() in fdl.events


@pytest.mark.parametrize("seed", range(10))
def test_fdl_when_hostile_frames_arrive_then_only_right_frames_come_back_and_nv_stays(fdl, storage, seed):
    import random

    dice = random.Random(seed)
    places = [0x60000000, 0x60030000, 0x607FF000, NV, PHASE_CHECK, CPIO, FORMAT, 0x70000000, 0, 0xFFFFFFFE]
    kinds = [kind for kind in range(0x28) if kind not in {RESET, POWER_OFF, ERASE}]
    for _ in range(150):
        numbers = words(dice.choice(places) + dice.randrange(2), dice.randrange(0x4000), dice.randrange(3))
        data = numbers[: dice.randrange(13)] if dice.random() < 0.3 else numbers[: dice.choice([4, 8, 12])]
        if dice.random() < 0.3:
            data = dice.randbytes(dice.randrange(300))
        unframed(fdl.raw(frame(dice.choice(kinds), data, sum16)))
    assert fdl.code(CONNECT) == ACK
    assert storage.nv.imei


def test_fdl_when_greeted_then_ver_is_the_reference_frame(rom):
    rom.load()
    assert rom.raw(b"\x7e\x7e") == b""
    assert rom.raw(b"\x7e") == VER_FDL
