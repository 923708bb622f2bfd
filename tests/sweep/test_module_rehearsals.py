"""Hundreds of modules that lose their power during a rehearsal: every kind of update, every platform, real code.

What must hold of each is in ``cloud.rehearsals.trials``; here it must hold of all of them, and the pictures must show them.

Source: issue 6 (a passed rehearsal); docs/spec/rehearsal-proof.md.
"""

from __future__ import annotations

import sys

import pytest

from rehearsal_rig import MODULE, changed_scripts, full, rehearse, script, survived, with_scripts
from samples import corpus
from transcripts.updating import diff, firmware, version_of
from transcripts.upgrades import Pair, made_blobs

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the interpreter's sandbox needs Linux"),
    pytest.mark.sweep,
    pytest.mark.timeout(3600),
]
PLATFORMS = ("ec600u", "ec200u", "ec600g", "eg915u", "ec600s", "ec600s-cnlb", "ec600e", "ec800e", "ec600n", "ec800m")


@pytest.mark.parametrize("module", PLATFORMS)
def test_patch_when_a_hundred_modules_of_every_platform_lose_their_power_then_all_survive(module):
    versions = version_of(module), version_of(module, "2")
    survived(rehearse([("up.bin", diff(module))], firmware(module), versions, cuts=100), "diff", 100)


@pytest.mark.parametrize(("kind", "cuts"), [("diff", 300), ("mini", 200)])
def test_update_when_hundreds_lose_their_power_while_it_is_made_in_place_then_all_survive(kind, cuts):
    pair = Pair(MODULE, made_blobs())
    files = [(f"up{number}", data) for number, data in enumerate(pair.files(kind, 1))]
    proof = survived(rehearse(files, pair.packages[0], pair.versions, cuts=cuts), kind, cuts)
    assert proof["trials"]["again"] > 20


def test_full_package_when_hundreds_lose_their_power_then_all_survive():
    (data,) = full({"main.py": script(2), "other.py": b"x = 1\n" * 300})
    survived(rehearse([("up.bin", data)], with_scripts(main=script(1)), ("A", "B"), cuts=200), "full", 200)


def test_scripts_when_hundreds_lose_their_power_then_each_file_is_old_or_new():
    survived(rehearse(changed_scripts(), with_scripts(), cuts=300), "scripts", 300)


def test_patch_when_the_image_holds_the_code_of_a_real_firmware_then_all_survive():
    pair = Pair(MODULE, corpus("zstack-cc2652r"))
    survived(rehearse([("up.bin", pair.files("diff", 1)[0])], pair.packages[0], pair.versions, cuts=100), "diff", 100)
