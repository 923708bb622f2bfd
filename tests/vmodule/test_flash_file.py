from __future__ import annotations

import shutil

import pytest

from moduline.errors import FlashCut, FlashViolation, StorageFailed
from moduline.nor.geometry import Geometry
from moduline.vmodule.flash_file import FlashFile

CHIP = Geometry(0x20000)


def test_flash_file_when_made_then_erased_and_of_full_size(tmp_path):
    with FlashFile(tmp_path / "a" / "flash.bin", CHIP) as file:
        assert file.flash.read(0, 0x20000) == b"\xff" * 0x20000
    assert (tmp_path / "a" / "flash.bin").stat().st_size == 0x20000


def test_flash_file_when_opened_again_then_content_and_wear_are_there(tmp_path):
    with FlashFile(tmp_path / "flash.bin", CHIP) as file:
        file.flash.erase(0x1000, 0x1000)
        file.flash.program(0x1000, b"kept")
        file.release_memory()
        assert file.flash.read(0x1000, 4) == b"kept"
    with FlashFile(tmp_path / "flash.bin", CHIP) as file:
        assert file.flash.read(0x1000, 5) == b"kept\xff"
        assert (file.memory.wear[0], file.memory.wear[1]) == (0, 1)


def test_flash_file_when_programmed_twice_then_nor_rules_hold(tmp_path):
    with FlashFile(tmp_path / "flash.bin", CHIP) as file:
        file.flash.program(0, b"\x0f")
        with pytest.raises(FlashViolation):
            file.flash.program(0, b"\xf0")


def test_flash_file_when_cut_then_dead_until_power_on(tmp_path):
    with FlashFile(tmp_path / "flash.bin", CHIP) as file:
        file.flash.arm("cut@1")
        with pytest.raises(FlashCut):
            file.flash.program(0x80, bytes(0x100))
        with pytest.raises(FlashCut):
            file.flash.read(0, 1)
        file.flash.power_on()
        assert file.flash.read(0x7F, 0x82) == b"\xff" + bytes(0x80) + b"\xff"


def test_flash_file_when_size_is_wrong_then_storage_failed(tmp_path):
    (tmp_path / "flash.bin").write_bytes(b"short")
    with pytest.raises(StorageFailed) as caught:
        FlashFile(tmp_path / "flash.bin", CHIP)
    assert "5 bytes" in caught.value.message("en")
    assert "5 字节" in caught.value.message("zh")


def test_flash_file_when_template_is_shared_then_copied_and_untouched(tmp_path):
    for name in ("a", "b"):
        with FlashFile(tmp_path / name / "flash.bin", CHIP, tmp_path / "erased") as file:
            file.flash.program(0, name.encode())
    assert (tmp_path / "erased").read_bytes() == b"\xff" * 0x20000
    assert (tmp_path / "b" / "flash.bin").read_bytes()[:2] == b"b\xff"


def test_flash_file_when_wear_file_is_damaged_then_counts_from_zero(tmp_path):
    with FlashFile(tmp_path / "flash.bin", CHIP) as file:
        file.flash.erase(0, 0x1000)
    (tmp_path / "wear.bin").write_bytes(b"123")
    with FlashFile(tmp_path / "flash.bin", CHIP) as file:
        assert file.memory.wear[0] == 0


def test_flash_file_when_its_folder_is_gone_then_still_closes(tmp_path):
    file = FlashFile(tmp_path / "a" / "flash.bin", CHIP)
    shutil.rmtree(tmp_path / "a")
    file.close()
    file.close()
