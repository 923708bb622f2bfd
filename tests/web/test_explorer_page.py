"""The package explorer in the browser: parts of every container, files out of them, and what differs."""

from __future__ import annotations

import shutil

import pytest

from eigen_package import binpkg, entries_of
from moduline.package import read_package
from moduline.release import firmware

MAIN = "PROJECT_NAME = 'Explorer'\nPROJECT_VERSION = '1.0.{number}'\n\nprint('number {number}')\n"


@pytest.fixture(scope="module")
def packages(studio):
    folder = studio.root / "explorer"
    folder.mkdir(exist_ok=True)
    (folder / "stock.pac").write_bytes(firmware.firmware_file("ec600u"))
    (folder / "stock.zip").write_bytes(firmware.firmware_file("ec600n"))
    entries = [("ap_bootloader", 0x4000, 0x8000, "BL", b"boot" * 64), ("ap_x", 0x24000, 0x10000, "AP", b"code" * 999)]
    (folder / "bare.binpkg").write_bytes(binpkg(*entries))
    project = folder / "project"
    for number in (1, 2):
        (project / "usr").mkdir(parents=True, exist_ok=True)
        (project / "usr" / "main.py").write_text(MAIN.format(number=number))
        (project / "usr" / "same.py").write_text("A = 1\n")
        studio.moduline(
            "pack", "build", str(project), "--base", str(folder / "stock.zip"), "-o", str(folder / f"app{number}.zip")
        )
    shutil.rmtree(project)
    return folder


def saved(page, button):
    with page.expect_download() as found:
        button.click()
    return found.value.path().read_bytes()


@pytest.mark.parametrize(
    ("lang", "name", "part", "word"),
    [
        ("en", "stock.pac", "AP", "Map of the flash"),
        ("zh", "stock.zip", "system", "Flash 分布图"),
        ("en", "bare.binpkg", "ap_x", "Map of the flash"),
    ],
)
def test_explorer_when_a_package_is_opened_then_its_parts_are_shown_and_saved_as_they_are(
    seat, packages, lang, name, part, word
):
    data = (packages / name).read_bytes()
    package = read_package(data, name)
    page = seat(lang=lang).open(f"/studio/packages?file=explorer/{name}")
    page.get_by_test_id("explorer-parts").wait_for()
    shown = page.get_by_test_id("explorer-part-row").all_inner_texts()
    assert [one.strip() for one in shown] == [one.name for one in package.parts]
    page.get_by_role("heading", name=word).wait_for()
    places = page.get_by_test_id("explorer-place")
    assert places.count() >= sum(one.kind == "code" and bool(one.data) for one in package.parts)
    place = places.filter(has_text=part).first
    place.focus()
    page.keyboard.press("Enter")
    content = package.part(part).data
    page.get_by_test_id("explorer-part").get_by_text(f"{len(content):,} B").wait_for()
    assert place.get_attribute("aria-pressed") == "true"
    assert saved(page, page.get_by_test_id("explorer-save-part")) == content
    if name == "bare.binpkg":
        assert content == entries_of(data)[1][4]


@pytest.mark.parametrize(
    ("lang", "changed", "lines"), [("en", "changed", "Lines of main.py"), ("zh", "变化", "main.py 的逐行差异")]
)
def test_explorer_when_two_packages_are_compared_then_it_names_the_script_and_its_lines(
    seat, packages, lang, changed, lines
):
    page = seat(lang=lang, size="narrow").open("/studio/packages?file=explorer/app2.zip&other=explorer/app1.zip")
    part = page.get_by_test_id("explorer-diff").and_(page.locator('[data-part="customer_fs"]'))
    part.wait_for()
    assert changed in part.inner_text()
    files = part.get_by_test_id("explorer-diff-file")
    assert files.evaluate_all("all => all.map((one) => one.dataset.path)") == ["main.py"]
    script = part.locator('[data-path="main.py"]')
    script.get_by_test_id("explorer-lines").click()
    region = script.get_by_role("region", name=lines)
    region.wait_for()
    assert region.locator(".ex-line-removed").all_inner_texts() == [
        "-\nPROJECT_VERSION = '1.0.1'", "-\nprint('number 1')"
    ]  # fmt: skip
    assert region.locator(".ex-line-added").all_inner_texts() == [
        "+\nPROJECT_VERSION = '1.0.2'", "+\nprint('number 2')"
    ]  # fmt: skip

    page.get_by_test_id("explorer-part-row").filter(has_text="customer_fs").first.click()
    tree = page.get_by_test_id("explorer-tree")
    item = tree.locator('[data-path="main.py"]')
    item.get_by_test_id("explorer-look").click()
    assert "number 2" in page.get_by_test_id("explorer-text").inner_text()
    page.keyboard.press("Escape")
    assert saved(page, item.get_by_test_id("explorer-save-file")) == MAIN.format(number=2).encode()
