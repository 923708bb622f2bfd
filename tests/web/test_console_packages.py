"""Version packages in the browser: files that were dropped and files of the Studio, sent, had back, and gone again."""

from __future__ import annotations

import hashlib
import json
import urllib.request

import pytest

from update_rig import NEW, OLD
from update_rig import firmware as small_firmware

WORDS = {
    "en": {"none": "No plan names it.", "taken": "Adding"},
    "zh": {"none": "没有升级计划使用它。", "taken": "添加版本包"},
}


def package(studio, name):
    found = studio.api("GET", "/v1/artifacts?limit=1000")["items"]
    return next((one for one in found if one["name"] == name), None)


@pytest.mark.parametrize("lang", ["zh", pytest.param("en", marks=pytest.mark.sweep)])
def test_package_when_added_from_both_sides_then_its_bytes_are_the_platforms(studio, seat, lang):
    name, more = f"firmware {lang}", b"part two" * 7
    made = bytes(range(256)) * 9000  # more than one piece of the stream
    (studio.root / f"fota-{lang}.bin").write_bytes(made)
    page = seat(lang=lang).open(f"/console/packages?file=fota-{lang}.bin")
    files = page.get_by_test_id("artifacts-files")
    files.get_by_text(f"fota-{lang}.bin").wait_for()
    page.locator('[data-testid="artifacts-file"] input').set_input_files(
        {"name": "深圳 part.bin", "mimeType": "application/octet-stream", "buffer": more}
    )
    files.get_by_text("深圳 part.bin").wait_for()
    page.get_by_test_id("artifacts-name").fill(name)
    page.get_by_test_id("artifacts-target").fill("V 2")
    page.get_by_test_id("artifacts-add").click()
    page.locator("[data-job] [role=alert]").wait_for()  # a version has no blank: the platform says so, nothing is lost
    assert files.locator("li").count() == 2
    page.get_by_test_id("artifacts-target").fill("V2")
    page.get_by_test_id("artifacts-add").click()
    page.get_by_test_id("artifacts-made").wait_for()
    kept = package(studio, name)
    assert [(one["name"], one["sha256"]) for one in kept["files"]] == [
        (f"fota-{lang}.bin", hashlib.sha256(made).hexdigest()),
        ("深圳 part.bin", hashlib.sha256(more).hexdigest()),
    ]
    assert (kept["is_delta"], kept["target"]) == (False, "V2")
    assert not list((studio.data / "drops").glob("*/*")), "what was dropped is not kept twice"

    page.get_by_test_id("artifacts-made").click()
    page.wait_for_url(f"**/console/packages/{kept['id']}")
    page.get_by_text(WORDS[lang]["none"]).wait_for()
    with page.expect_download() as saved:
        page.get_by_test_id("artifact-download").first.click()
    assert saved.value.path().read_bytes() == made
    assert saved.value.suggested_filename == f"fota-{lang}.bin"
    page.get_by_test_id("artifact-remark").fill("试点")
    page.get_by_test_id("artifact-save").click()
    page.locator(".m-notice").first.wait_for()
    assert package(studio, name)["remark"] == "试点"
    page.get_by_test_id("artifact-delete").click()
    page.get_by_test_id("ask-yes").click()
    page.wait_for_url("**/console/packages")
    assert package(studio, name) is None


def whole(studio, name, version):
    """A whole package that the platform has."""
    asked = urllib.request.Request(
        f"{studio.api_url}/v1/artifacts/files/{name}.zip", data=small_firmware(version), method="PUT",
        headers={"Authorization": f"Bearer {studio.token}"},
    )  # fmt: skip
    with urllib.request.urlopen(asked, timeout=60) as answer:
        file = json.loads(answer.read())
    files = [{"name": f"{name}.zip", "sha256": file["sha256"]}]
    return studio.api("POST", "/v1/artifacts", {"name": name, "target": version, "files": files})


def chosen(page, testid, name):
    page.get_by_test_id(testid).click()
    page.get_by_role("option", name=name).click()


@pytest.mark.timeout(240)
def test_patch_when_the_platform_makes_and_rehearses_it_then_it_gives_the_new_firmware(studio, seat, tmp_path):
    for name, version in (("works-1", OLD), ("works-2", NEW)):
        if package(studio, name) is None:
            whole(studio, name, version)
    page = seat(lang="zh").open("/console/packages")
    page.get_by_test_id("artifacts-patch").click()
    chosen(page, "patch-old", "works-1")
    chosen(page, "patch-new", "works-2")
    page.get_by_test_id("patch-name").fill(f"up {tmp_path.name}")
    page.get_by_test_id("form-yes").click()
    page.get_by_test_id("artifacts-list").get_by_role("link", name=f"up {tmp_path.name}").click(timeout=90_000)
    page.get_by_test_id("artifact-rehearse").wait_for()
    made = package(studio, f"up {tmp_path.name}")
    assert (made["is_delta"], made["source"], made["target"]) == (True, OLD, NEW)
    with page.expect_download() as saved:
        page.get_by_test_id("artifact-download").first.click()
    saved.value.save_as(tmp_path / "patch.bin")
    (tmp_path / "v1.zip").write_bytes(small_firmware(OLD))
    old, patch, new = (str(tmp_path / name) for name in ("v1.zip", "patch.bin", "v2.zip"))
    studio.moduline("delta", "apply", old, patch, "-o", new)
    assert (tmp_path / "v2.zip").read_bytes() == small_firmware(NEW)

    assert not made["is_rehearsed"]
    page.get_by_test_id("artifact-rehearse").click()
    page.get_by_test_id("rehearse-on").click()
    page.get_by_role("option").nth(1).click()
    chosen(page, "rehearse-source", "works-1")
    page.get_by_test_id("rehearse-cuts").fill("40")
    page.get_by_test_id("form-yes").click()
    proof = page.get_by_test_id("artifact-proof")
    proof.wait_for(timeout=90_000)
    (kept,) = studio.api("GET", f"/v1/artifacts/{made['id']}/rehearsals")["items"]
    assert (kept["is_good"], kept["failed"]) == (True, 0)
    assert kept["trials"] >= 40
    with page.context.expect_page() as opened:
        proof.click()
    opened.value.get_by_text("SHA-256").first.wait_for()
    assert made["files"][0]["sha256"][:16] in opened.value.content()


def test_package_when_the_file_is_not_below_the_studio_then_it_is_not_taken(studio, seat):
    (studio.folder / "outside.bin").write_bytes(b"secret")
    page = seat().open("/console/packages?file=../outside.bin&file=nothing.bin")
    page.locator(".m-notice").first.wait_for()
    assert page.get_by_test_id("artifacts-files").locator("li").count() == 0


def test_download_when_nobody_signed_in_then_there_is_nothing(studio, seat):
    page = seat(session="").page
    for path in ("/console/devices.csv", "/console/packages/1/files/0/a.bin"):
        assert page.request.get(studio.url + path, max_redirects=0).status in {401, 403, 303}
