"""Keys, signatures inside patches and beside files; another implementation checks them too."""

from __future__ import annotations

import base64
import json
import shutil
import stat
import subprocess

import pytest

from moduline.cli.main import run
from moduline.formats import patch

# RFC 8032, 7.1, test 2: seed, public key, message 72, signature.
SEED = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
PUBLIC = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
SIGNATURE = (
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)
PKCS8_HEAD = "302e020100300506032b657004220420"  # RFC 8410, 7: version 0, Ed25519, 32 bytes in two octet strings


def run_json(capsys, *words):
    code = run([*map(str, words), "--json"])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return code, json.loads(captured.out)


@pytest.fixture
def key(tmp_path, capsys):
    path = tmp_path / "密钥 (1).pem"
    assert run_json(capsys, "key", "new", "-o", path)[0] == 0
    return path


@pytest.fixture
def small_patch(tmp_path, capsys):
    (tmp_path / "old.bin").write_bytes(b"old image" * 500)
    (tmp_path / "new.bin").write_bytes(b"new image" * 500)
    path = tmp_path / "p.bin"
    assert run_json(capsys, "delta", "make", tmp_path / "old.bin", tmp_path / "new.bin", "-o", path)[0] == 0
    return path


def rfc_key(folder):
    der = base64.b64encode(bytes.fromhex(PKCS8_HEAD + SEED)).decode()
    path = folder / "rfc.pem"
    path.write_text(f"-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n", encoding="ascii")
    return path


def test_sign_when_the_rfcs_key_and_message_then_the_rfcs_signature(tmp_path, capsys):
    message = tmp_path / "message"
    message.write_bytes(b"\x72")
    code, told = run_json(capsys, "sign", message, "--key", rfc_key(tmp_path))
    assert (code, told["is_inside"]) == (0, False)
    assert (tmp_path / "message.sig").read_bytes().hex() == SIGNATURE
    assert run_json(capsys, "verify", message, "--trust", PUBLIC)[0] == 0
    assert run_json(capsys, "key", "show", tmp_path / "rfc.pem")[1]["public"] == PUBLIC


def test_key_when_made_then_only_its_owner_reads_it_and_it_is_never_overwritten(key, capsys):
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = key.read_bytes()
    code, told = run_json(capsys, "key", "new", "-o", key)
    assert (code, key.read_bytes()) == (2, before)
    assert str(key) in told["message"] + told["hint"] + json.dumps(told["facts"], ensure_ascii=False)
    private, public = (run_json(capsys, "key", "show", one)[1] for one in (key, f"{key}.pub"))
    assert (private["key_id"], private["has_private"]) == (public["key_id"], True)
    assert public["has_private"] is False


def test_key_when_a_public_half_lies_there_alone_then_nothing_is_written(tmp_path, capsys):
    (tmp_path / "k.pem.pub").write_text("mine", encoding="ascii")
    assert run_json(capsys, "key", "new", "-o", tmp_path / "k.pem")[0] == 2
    assert [one.name for one in tmp_path.iterdir()] == ["k.pem.pub"]


def test_sign_when_a_patch_then_inside_and_every_command_that_trusts_sees_it(key, small_patch, capsys):
    public = f"{key}.pub"
    code, told = run_json(capsys, "verify", small_patch, "--trust", public)
    assert (code, told["code"]) == (15, "ML-E1502")
    code, told = run_json(capsys, "sign", small_patch, "--key", key, "--dry-run")
    assert (code, told["written"], patch.read(small_patch.read_bytes()).is_signed) == (0, False, False)
    assert run_json(capsys, "sign", small_patch, "--key", key)[1]["is_inside"] is True
    assert run_json(capsys, "verify", small_patch, "--trust", public)[0] == 0
    assert run_json(capsys, "delta", "info", small_patch, "--trust", public)[1]["is_signed"] is True
    assert run_json(capsys, "verify", small_patch, "--trust", PUBLIC)[0] == 15


def test_verify_when_a_signed_patch_was_changed_then_it_is_refused_wherever_it_was(key, small_patch, capsys):
    run_json(capsys, "sign", small_patch, "--key", key)
    whole = small_patch.read_bytes()
    for at in range(0, len(whole), max(1, len(whole) // 60)):
        small_patch.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert run_json(capsys, "verify", small_patch, "--trust", f"{key}.pub")[0] in {8, 15}


@pytest.mark.parametrize("wrong", [b"", b"short", bytes(64), bytes(65)])
def test_verify_when_the_signature_beside_is_none_then_15(tmp_path, key, capsys, wrong):
    (tmp_path / "a.zip").write_bytes(b"PK")
    (tmp_path / "a.zip.sig").write_bytes(wrong)
    code, told = run_json(capsys, "verify", tmp_path / "a.zip", "--trust", f"{key}.pub")
    assert (code, told["code"]) == (15, "ML-E1514")


def test_verify_when_nothing_lies_beside_or_the_file_changed_then_15(tmp_path, key, capsys):
    file = tmp_path / "a.zip"
    file.write_bytes(b"PK\3\4 content")
    assert run_json(capsys, "verify", file, "--trust", f"{key}.pub")[0] == 15
    assert run_json(capsys, "sign", file, "--key", key)[0] == 0
    assert run_json(capsys, "sign", file, "--key", key)[0] == 2  # FILE.sig is there
    assert run_json(capsys, "sign", file, "--key", key, "--yes")[0] == 0
    assert run_json(capsys, "verify", file, "--trust", f"{key}.pub")[0] == 0
    file.write_bytes(b"PK\3\4 Content")
    assert run_json(capsys, "verify", file, "--trust", f"{key}.pub")[0] == 15


@pytest.mark.parametrize(
    "content",
    [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", b"zz" * 32, b"\xff" * 33],
)
def test_key_when_the_file_is_none_then_2_and_what_would_be_one(tmp_path, capsys, content):
    (tmp_path / "k").write_bytes(content)
    code, told = run_json(capsys, "key", "show", tmp_path / "k")
    assert code == 2
    assert "PEM" in json.dumps(told)


def test_sign_when_given_the_public_half_then_2(tmp_path, key, capsys):
    (tmp_path / "a").write_bytes(b"a")
    assert run_json(capsys, "sign", tmp_path / "a", "--key", f"{key}.pub")[0] == 2


def test_openssl_when_it_reads_our_files_then_key_and_signature_are_good(tmp_path, key, capsys):
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    file = tmp_path / "a.bin"
    file.write_bytes(bytes(range(256)) * 40)
    run_json(capsys, "sign", file, "--key", key)
    check = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", f"{key}.pub", "-rawin", "-in", file]
    good = subprocess.run([*check, "-sigfile", f"{file}.sig"], capture_output=True, text=True, check=False)
    assert (good.returncode, "Verified Successfully" in good.stdout) == (0, True), good.stderr
    file.write_bytes(b"other")
    assert subprocess.run([*check, "-sigfile", f"{file}.sig"], capture_output=True, check=False).returncode != 0
