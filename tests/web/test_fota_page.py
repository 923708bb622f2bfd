"""FOTA in the browser: two virtual firmware packages, a patch, its rehearsal; what was written is what the page says."""

from __future__ import annotations

import hashlib
import json
import re

import pytest

from moduline.release import firmware
from update_rig import NEW, OLD, user_image
from update_rig import firmware as small_firmware

VERSIONS = ("EC600ECNLAR03A01M08_OCPU_PY_PAGE1", "EC600ECNLAR03A01M09_OCPU_PY_PAGE1")
WORDS = {
    "en": {"title": "FOTA type", "survived": "power cuts survived", "refused": "EC600E does not take it"},
    "zh": {"title": "FOTA 类型", "survived": "次断电全部通过", "refused": "EC600E 不支持"},
}


@pytest.fixture(scope="module")
def packages(studio):
    folder = studio.root / "fota"
    folder.mkdir(exist_ok=True)
    for number, version in enumerate(VERSIONS, 1):
        (folder / f"v{number}.zip").write_bytes(firmware.firmware_file("ec600e", "", version))
    return folder


@pytest.mark.parametrize("lang", ["en", pytest.param("zh", marks=pytest.mark.sweep)])
def test_fota_when_two_packages_are_chosen_then_the_patch_gives_the_new_one_and_survives_every_cut(
    studio, seat, packages, lang
):
    page = seat(lang=lang).open("/studio/fota")
    for which, name in (("old", "v1.zip"), ("new", "v2.zip")):
        page.get_by_test_id(f"fota-{which}-choose").click()
        page.locator('[data-path="fota"]').click()
        page.locator(f'[data-path="fota/{name}"]').click()
        page.get_by_test_id(f"fota-{which}").get_by_text(f"fota/{name}", exact=True).wait_for()
    for version in VERSIONS:
        page.get_by_test_id("fota-packages").get_by_text(version).wait_for()
    assert WORDS[lang]["title"] in page.locator("#main").inner_text()
    assert page.get_by_test_id("fota-kind-mini").is_disabled()
    assert WORDS[lang]["refused"] in page.locator("#main").inner_text()
    out = page.get_by_test_id("fota-out")
    out.fill(f"fota/made-{lang}.bin")
    out.press("Tab")
    page.wait_for_url(re.compile(f"out=fota%2Fmade-{lang}.bin"))
    page.get_by_test_id("fota-make").click()
    page.get_by_test_id("fota-patch-size").wait_for()

    made = packages / f"made-{lang}.bin"
    assert hashlib.sha256(made.read_bytes()).hexdigest() in page.get_by_test_id("fota-file").inner_text()
    told = json.loads(studio.moduline("delta", "info", str(made), "--json"))
    assert (told["source"], told["target"]) == VERSIONS
    new = packages / f"new-{lang}.zip"
    studio.moduline("delta", "apply", str(packages / "v1.zip"), str(made), "-o", str(new))
    assert new.read_bytes() == (packages / "v2.zip").read_bytes()

    page.get_by_test_id("fota-rehearse").click()
    page.get_by_test_id("fota-verdict").wait_for()
    proof = json.loads((packages / f"made-{lang}.rehearsal.json").read_text())
    trials = sum(proof["trials"].values())
    assert proof["is_good"]
    assert trials > 100
    assert proof["patch"]["sha256"] == hashlib.sha256(made.read_bytes()).hexdigest()
    assert str(trials) in page.get_by_test_id("fota-verdict").inner_text()
    assert WORDS[lang]["survived"] in page.get_by_test_id("fota-verdict").inner_text()
    assert page.locator(".fp-field .fp-mark").count() == trials
    assert page.locator(".fp-field .fp-failed").count() == 0

    page.reload()  # everything is found again by the address
    field = page.get_by_test_id("fota-field-cut")
    field.focus()
    page.keyboard.press("End")
    last = proof["trials"]["cut"]
    assert field.get_attribute("aria-valuenow") == str(last)
    assert f"cut@{proof['operations'] - 1}" in page.get_by_test_id("fota-told-cut").inner_text()
    upload = page.get_by_test_id("fota-upload").get_attribute("href")
    assert upload == f"/console/packages?file=fota%2Fmade-{lang}.bin"


def test_fota_when_the_new_package_is_damaged_then_says_so_and_nothing_can_be_made(seat, packages):
    (packages / "broken.zip").write_bytes((packages / "v2.zip").read_bytes()[:60_000])
    page = seat(lang="zh", size="narrow").open("/studio/fota?old=fota/v1.zip&new=fota/broken.zip")
    page.get_by_role("alert").get_by_text("ML-E").wait_for()
    assert page.get_by_test_id("fota-make").is_disabled()


def test_name_when_typed_while_the_packages_are_read_anew_then_it_stays(seat, packages):
    page = seat().open("/studio/fota?old=fota/v1.zip&new=fota/v2.zip")
    page.get_by_test_id("fota-outlook").get_by_text(VERSIONS[1]).wait_for()
    out = page.get_by_test_id("fota-out")
    out.press("End")
    out.press_sequentially("x")
    typed = out.input_value()
    assert typed.endswith("x")
    page.get_by_test_id("fota-store-fs").evaluate("(one) => one.click()")  # the hand stays in the field
    page.wait_for_url(re.compile("store=fs"))
    page.get_by_test_id("fota-outlook").get_by_text(VERSIONS[1]).wait_for()
    page.wait_for_timeout(300)
    assert out.input_value() == typed


@pytest.mark.parametrize(("kind", "files"), [("full", ["new.bin"]), ("mini", ["new_1.bin", "new_2.bin"])])
def test_fota_when_scripts_go_along_then_each_patch_is_what_the_command_makes(studio, seat, tmp_path, kind, files):
    folder = studio.root / f"fota-{kind}"
    folder.mkdir(exist_ok=True)
    (folder / "v1.zip").write_bytes(small_firmware(OLD))
    (folder / "v2.zip").write_bytes(small_firmware(NEW))
    (folder / "scripts.bin").write_bytes(user_image())
    page = seat(lang="zh", theme="dark").open(f"/studio/fota?old={folder.name}/v1.zip&new={folder.name}/v2.zip")
    page.get_by_test_id("fota-outlook").get_by_text(NEW).wait_for()
    page.get_by_test_id(f"fota-kind-{kind}").check()
    page.get_by_test_id("fota-user-fs").click()
    page.locator(f'[data-path="{folder.name}"]').click()
    page.locator(f'[data-path="{folder.name}/scripts.bin"]').click()
    page.wait_for_url(re.compile(f"user_fs={folder.name}%2Fscripts.bin"))
    out = page.get_by_test_id("fota-out")
    out.fill(f"{folder.name}/new.bin")
    out.press("Tab")
    page.wait_for_url(re.compile(r"out=fota-\w+%2Fnew.bin"))
    page.locator('[data-testid="fota-make"]:enabled').click()
    page.get_by_test_id("fota-patch-size").wait_for()
    made = sorted(one.name for one in folder.glob("new*.bin"))
    assert made == files
    words = ["delta", "make", *(str(folder / name) for name in ("v1.zip", "v2.zip")), "--kind", kind]
    studio.moduline(*words, "--store", "fp", "--user-fs", str(folder / "scripts.bin"), "-o", str(tmp_path / "new.bin"))
    for name in files:
        assert (folder / name).read_bytes() == (tmp_path / name).read_bytes()
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() in page.locator("#main").inner_text()

    page.get_by_test_id("fota-cuts").click()
    page.get_by_role("option").first.click()
    page.get_by_test_id("fota-rehearse").click()
    page.get_by_test_id("fota-verdict").first.wait_for()
    assert page.get_by_test_id("fota-rehearsed").count() == len(files)
    for at, name in enumerate(files):
        proof = json.loads((folder / f"{name.removesuffix('.bin')}.rehearsal.json").read_text())
        assert proof["is_good"]
        assert WORDS["zh"]["survived"] in page.get_by_test_id("fota-verdict").nth(at).inner_text()
