"""The walk of the production text on the project page: create, firmware, files, encrypt and backup, merge."""

from __future__ import annotations

import json
import zlib

import pytest

from moduline.formats.littlefs import read_image
from moduline.package import read_package
from moduline.release import starter
from moduline.release.firmware import stock_package
from moduline.web.texts import text

SECRET = "# this comment is our secret 机密\n"
SCRIPT = SECRET + "import uos\n\n\ndef Qlistdir():\n    print(uos.listdir('/usr'))\n"
CONFIG = '{"server": "example.com"}\n'

pytestmark = pytest.mark.timeout(600)  # the first one starts a Studio and a browser


def say(slug, lang):
    return text(slug).say(lang)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_walk_when_the_steps_of_qpycom_are_followed_then_the_package_is_what_pack_build_makes(
    studio, seat, tmp_path, lang, again
):
    word = lang + again.replace("-", "_")
    name = f"quec_{word}"
    (tmp_path / "user_file.py").write_text(SCRIPT, "utf-8")
    (tmp_path / "conf.json").write_text(CONFIG)
    made = seat(lang=lang)
    page = made.open("/studio/project")

    # step 1: create
    page.get_by_role("heading", name=say("project.new_title", lang)).wait_for()
    page.get_by_test_id("project-name").fill(name)
    page.get_by_test_id("project-create").click()
    page.get_by_test_id("project-folder").get_by_text(f"/{name}").wait_for()

    # step 2: choose the firmware
    (studio.root / f"stock_{word}.pac").write_bytes(stock_package("ec600u"))
    page.get_by_role("button", name=say("project.choose_base", lang)).click()
    page.locator(f'[data-path="stock_{word}.pac"]').click()
    page.get_by_test_id("project-base-path").get_by_text(f"/stock_{word}.pac").wait_for()

    # step 3: add files, tick encrypt and backup
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name=say("project.add", lang), exact=True).click()
    chooser.value.set_files([tmp_path / "user_file.py", tmp_path / "conf.json"])
    page.get_by_test_id("project:conf.json").wait_for()
    for tick in ("encrypt:user_file.py", "backup:user_file.py", "backup:conf.json"):
        page.get_by_test_id(tick).click()
        page.locator(f"[data-testid='{tick}'][aria-checked='true']").wait_for()
    assert page.get_by_test_id("encrypt:main.py").get_attribute("aria-disabled") == "true"

    # step 4: merge
    page.get_by_role("button", name=say("project.merge", lang), exact=True).click()
    window = page.get_by_test_id("project-merged")
    window.get_by_text(say("project.merged", lang)).wait_for()
    settings = (studio.root / name / "moduline.toml").read_text()
    assert 'encrypt_files = ["user_file.py"]' in settings
    assert "# files the module restores by itself" in settings
    package = studio.root / "out" / f"{name.upper()}_1.0.0.pac"
    window.get_by_text(f"out/{package.name}").wait_for()

    # what the page made is what the command makes, and what it says
    studio.moduline("pack", "build", name, "--base", f"stock_{word}.pac", "-o", f"again_{word}/")
    data = package.read_bytes()
    assert (studio.root / f"again_{word}" / package.name).read_bytes() == data
    user, backup = (
        dict(read_image(read_package(data).by_role(role).data).entries) for role in ("user_fs", "backup_fs")
    )
    assert SECRET.encode() not in read_package(data).by_role("user_fs").data
    assert "user_file.py" not in user
    assert user["user_file.mpy"][:1] == b"M"
    assert user["conf.json"] == CONFIG.encode()
    assert {path for path, held in backup.items() if held is not None} == {
        "checksum.json", "backup_restore.json", "usr/conf.json", "usr/user_file.mpy",
    }  # fmt: skip
    listed = {one["name"]: one["crc32"] for one in json.loads(backup["checksum.json"])}
    assert listed == {f"/usr/{one}": hex(zlib.crc32(user[one], 0xFFFFFFFF)) for one in ("conf.json", "user_file.mpy")}
    assert backup["usr/user_file.mpy"] == user["user_file.mpy"]
    studio.moduline("pack", "extract", f"out/{package.name}", "-o", f"parts_{word}")
    image = next((studio.root / f"parts_{word}").glob("*customer_backup_fs.bin"))
    assert image.read_bytes() == read_package(data).by_role("backup_fs").data

    # and then: on to the burn page, with the package filled in
    page.get_by_test_id("merged-burn").click()
    page.wait_for_url(f"**/studio/burn?file=out/{package.name}")


def test_project_when_it_has_errors_then_they_open_in_the_editor_and_nothing_is_merged(studio, seat, again):
    broken = studio.root / f"broken{again}"
    starter.create(broken, "ec600u")
    (broken / "usr" / "main.py").write_text("PROJECT_NAME = 'B'\n\ndef f(:\n    pass\n")
    (studio.root / "stock_b.pac").write_bytes(stock_package("ec600u"))
    page = seat(size="narrow").open(f"/studio/project?dir={broken.name}&base=stock_b.pac")
    page.get_by_test_id("project-merge").click()
    page.get_by_text("ML-E08", exact=False).first.wait_for()
    assert not list((studio.root).glob("out/B_*"))
    page.get_by_test_id("finding-syntax").first.click()
    page.get_by_test_id("editor-path").get_by_text(f"{broken.name}/usr/main.py").wait_for()
    page.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.type("PROJECT_NAME = 'B'\nPROJECT_VERSION = '2.0'\nprint('it runs', 6 * 7)\n")
    page.keyboard.press("Control+s")
    page.get_by_text("saved", exact=True).wait_for()
    page.get_by_test_id("editor-close").click()
    page.get_by_test_id("project-checks").get_by_text("nothing to correct").wait_for()
    page.get_by_test_id("project-trial").click()
    page.get_by_test_id("project-output").get_by_text("it runs 42").wait_for()
    page.get_by_test_id("project-version").fill("2.1.0")
    page.get_by_test_id("project-version").press("Enter")
    page.get_by_text("B_2.1.0").wait_for()
    assert "PROJECT_VERSION = '2.1.0'" in (broken / "usr" / "main.py").read_text()
