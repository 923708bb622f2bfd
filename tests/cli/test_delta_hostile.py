"""Patches that want to do harm, before ``delta apply``, ``delta info`` and a module: coded errors, nothing written."""

from __future__ import annotations

import hashlib
import json
import random
import zlib
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fuzz.test_fuzz_patch import resealed
from moduline.cli.main import run
from moduline.delta import codecs, make, read_side, sign
from moduline.errors import ModulineError
from moduline.formats import patch
from update_rig import IDENTITY, NEW, OLD, PROFILE, Rig, firmware, old_chip

BEFORE = random.Random(5).randbytes(30000)
AFTER = BEFORE[:9000] + random.Random(6).randbytes(900) + BEFORE[9000:]
OLD_FILE, NEW_FILE = firmware(OLD, BEFORE), firmware(NEW, AFTER)
KEY, OTHER = b"k" * 32, b"o" * 32


def public(key):
    return Ed25519PrivateKey.from_private_bytes(key).public_key().public_bytes_raw().hex()


GOOD = {name: make(read_side(OLD_FILE), read_side(NEW_FILE), codec=name).patches[0] for name in ("whole", "mapped")}


def with_region(found, **changes):
    return patch.write(replace(found, regions=(replace(found.regions[0], **changes),)))


def bomb():
    """64 MiB of zeros in 64 KiB, for a region that says it is small."""
    packed = zlib.compress(bytes(64 << 20), 9)
    return with_region(GOOD["whole"], codec=codecs.DEFLATE, data=packed)


def honest_bomb():
    """The same, and the region admits it: no partition is that large."""
    packed, size = zlib.compress(bytes(64 << 20), 9), 64 << 20
    digest = hashlib.sha256(bytes(size)).digest()
    return with_region(GOOD["whole"], codec=codecs.DEFLATE, data=packed, new_bytes=size, new_sha256=digest)


def overlapping():
    """Two regions; the second says it lies in the middle of the first."""
    one = GOOD["whole"].regions[0]
    second = replace(one, role="app", address=one.address + 4096)
    return patch.write(replace(GOOD["whole"], regions=(one, second)))


def twice():
    """The same region twice, which no writer of ours gives."""
    data = patch.write(GOOD["whole"])
    block = data[512:-112]
    row = bytearray(data[384:512])
    row[96:100] = (len(block) + 640).to_bytes(4, "little")
    first = bytearray(data[384:512])
    first[96:100] = (640).to_bytes(4, "little")
    head = bytearray(data[:384])
    head[13] = 2
    return resealed(bytes(head + first + row) + block + block + data[-112:])


def half_block():
    found = GOOD["mapped"]
    return with_region(found, data=found.regions[0].data[: len(found.regions[0].data) // 2])


HOSTILE = {
    "truncated": (lambda: patch.write(GOOD["mapped"])[:-200], 8),
    "flipped": (lambda: patch.write(GOOD["mapped"])[:700] + b"\xaa" + patch.write(GOOD["mapped"])[701:], 8),
    "half-a-stream": (half_block, 8),
    "no-stream": (lambda: with_region(GOOD["mapped"], data=b"\xff\xff\xff\xff"), 8),
    "codec-of-another": (lambda: with_region(GOOD["mapped"], codec=codecs.WINDOW), 8),
    "unknown-codec": (lambda: with_region(GOOD["whole"], codec=99), 8),
    "wrong-source": (lambda: with_region(GOOD["mapped"], old_sha256=b"\1" * 32), 17),
    "lying-old-size": (lambda: with_region(GOOD["mapped"], old_bytes=12), 17),
    "lying-new-size": (lambda: with_region(GOOD["mapped"], new_bytes=1 << 20), 8),
    "bomb": (bomb, 8),
    "honest-bomb": (honest_bomb, None),
    "overlapping-regions": (overlapping, 17),
    "region-twice": (twice, 8),
    "other-model": (lambda: patch.write(replace(GOOD["mapped"], models=("EC200U-CN",))), 7),
    "other-chip": (lambda: patch.write(replace(GOOD["mapped"], chip="unisoc8910")), 7),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.bin").write_bytes(OLD_FILE)
    return tmp_path


@pytest.fixture(scope="module")
def rig():
    return Rig(old_chip(BEFORE)[0])


def type_json(capsys, *words):
    code = run([*map(str, words), "--json"])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return code, json.loads(captured.out)


@pytest.mark.parametrize("name", [name for name, (_, code) in HOSTILE.items() if code is not None])
def test_apply_when_the_patch_is_hostile_then_coded_and_nothing_is_written(capsys, folder, name):
    make_it, wanted = HOSTILE[name]
    (folder / "p.bin").write_bytes(make_it())
    code, failure = type_json(capsys, "delta", "apply", "old.bin", "p.bin", "-o", "new.bin")
    assert (code, failure["ok"]) == (wanted, False)
    assert failure["code"].startswith(f"ML-E{wanted:02d}")
    assert sorted(path.name for path in folder.iterdir()) == ["old.bin", "p.bin"]


@pytest.mark.parametrize("name", list(HOSTILE))
def test_module_when_the_patch_is_hostile_then_refused_before_the_first_erase_of_its_firmware(rig, name):
    start = IDENTITY.offset_of(PROFILE.partition("system"))
    before = rig.flash.read(start, 50000)
    with pytest.raises(ModulineError):
        rig.stage([HOSTILE[name][0]()])
    assert rig.flash.read(start, 50000) == before
    assert not rig.unit.is_due
    assert rig.version() == OLD


@pytest.mark.parametrize("verb", ["apply", "info"])
def test_trust_when_another_key_or_none_signed_then_15(capsys, folder, verb):
    signed = sign(GOOD["mapped"], KEY)
    files = {
        "good.bin": patch.write(signed),
        "unsigned.bin": patch.write(GOOD["mapped"]),
        "other.bin": patch.write(sign(GOOD["mapped"], OTHER)),
        "changed.bin": patch.write(replace(signed, spare_bytes=signed.spare_bytes + 1)),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
        rest = [name] if verb == "info" else ["old.bin", name, "-o", "new.bin"]
        code, told = type_json(capsys, "delta", verb, *rest, "--trust", public(KEY))
        if verb == "apply" and name != "good.bin":
            assert not (folder / "new.bin").exists()
        assert code == (0 if name == "good.bin" else 15), name
        assert told["ok"] == (name == "good.bin")
        (folder / "new.bin").unlink(missing_ok=True)


def test_trust_when_the_key_is_in_a_file_or_is_none_then_read_or_usage(capsys, folder):
    (folder / "p.bin").write_bytes(patch.write(sign(GOOD["mapped"], KEY)))
    (folder / "key.hex").write_text(public(KEY) + "\n")
    (folder / "key.raw").write_bytes(bytes.fromhex(public(KEY)))
    for name in ("key.hex", "key.raw"):
        assert type_json(capsys, "delta", "info", "p.bin", "--trust", name)[0] == 0
    for bad in ("abc", "z" * 64, "p.bin"):
        assert type_json(capsys, "delta", "info", "p.bin", "--trust", bad)[0] == 2
