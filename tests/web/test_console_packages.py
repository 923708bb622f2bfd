"""Version packages in the browser: files that were dropped and files of the Studio, sent, had back, and gone again."""

from __future__ import annotations

import hashlib

import pytest

WORDS = {
    "en": {"none": "No plan names it.", "taken": "Adding"},
    "zh": {"none": "没有升级计划使用它。", "taken": "添加版本包"},
}


def package(studio, name):
    found = studio.api("GET", "/v1/artifacts?limit=1000")["items"]
    return next((one for one in found if one["name"] == name), None)


@pytest.mark.parametrize("lang", ["en", "zh"])
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


def test_package_when_the_file_is_not_below_the_studio_then_it_is_not_taken(studio, seat):
    (studio.folder / "outside.bin").write_bytes(b"secret")
    page = seat().open("/console/packages?file=../outside.bin&file=nothing.bin")
    page.locator(".m-notice").first.wait_for()
    assert page.get_by_test_id("artifacts-files").locator("li").count() == 0


def test_download_when_nobody_signed_in_then_there_is_nothing(studio, seat):
    page = seat(session="").page
    for path in ("/console/devices.csv", "/console/packages/1/files/0/a.bin"):
        assert page.request.get(studio.url + path, max_redirects=0).status in {401, 403, 303}
