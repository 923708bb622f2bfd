"""The file manager in a real browser: what the module holds behind it is asked by the command line."""

from __future__ import annotations

import io
import urllib.error
import urllib.request
import zipfile

import pytest

from moduline.web.texts import text

BINARY = bytes(range(256)) * 9
SCRIPT = 'print("before")\n'

pytestmark = pytest.mark.timeout(600)  # the first one starts a Studio and a browser


def say(slug, lang, **facts):
    return text(slug).say(lang, **facts)


def drop(made, page, paths, target):
    """Drop files and folders of the operating system onto an element."""
    box = target.bounding_box()
    place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] - 12}
    wire = made.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        wire.send("Input.dispatchDragEvent", {"type": kind, **place, "data": data})


def module_file(studio, path):
    """Bytes of a file of m2, fetched by the command line."""
    studio.moduline("cp", f":{path}", "fetched.bin", "--port", "virt:m2")
    return (studio.root / "fetched.bin").read_bytes()


@pytest.mark.parametrize("lang", ["zh", pytest.param("en", marks=pytest.mark.sweep)])
def test_folder_when_dropped_edited_run_and_saved_then_module_and_computer_hold_it_byte_for_byte(
    studio, seat, tmp_path, lang
):
    folder = tmp_path / f"drop_{lang}"
    (folder / "in" / "deep").mkdir(parents=True)
    (folder / "start.py").write_text(SCRIPT)
    (folder / "in" / "deep" / "数据.bin").write_bytes(BINARY)
    made = seat(lang=lang)
    page = made.open("/studio/files?port=virt:m2")
    page.get_by_role("heading", name=say("files.module", lang, port="virt:m2")).wait_for()
    page.get_by_test_id("module:apn_cfg.json").wait_for()

    drop(made, page, [folder], page.get_by_test_id("files-module").locator(".files-list"))
    page.get_by_test_id(f"module:{folder.name}").wait_for()

    page.get_by_test_id(f"module:{folder.name}").click()
    page.get_by_test_id("module:start.py").click()
    page.get_by_test_id("editor-path").wait_for()
    page.locator(".cm-content").click()
    page.keyboard.press("Control+End")
    page.keyboard.type('print("after", 6 * 7)')
    page.get_by_text(say("files.unsaved", lang), exact=True).wait_for()
    page.keyboard.press("Control+s")
    page.get_by_text(say("files.saved", lang), exact=True).wait_for()
    studio.moduline("cp", "-r", f":/usr/{folder.name}", f"got_{lang}", "--port", "virt:m2")
    got = studio.root / f"got_{lang}"
    assert (got / "in" / "deep" / "数据.bin").read_bytes() == BINARY
    assert (got / "start.py").read_text() == SCRIPT + 'print("after", 6 * 7)'
    page.get_by_test_id("editor-run").click()
    page.get_by_test_id("files-output").get_by_text("after 42").wait_for()

    page.get_by_test_id("module-up").click()
    page.get_by_test_id(f"tick:module:{folder.name}").click()
    with page.expect_download() as held:
        page.get_by_test_id("module-save").click()
    with zipfile.ZipFile(io.BytesIO(held.value.path().read_bytes())) as archive:
        assert archive.read(f"{folder.name}/in/deep/数据.bin") == BINARY
        assert archive.read(f"{folder.name}/start.py").endswith(b"6 * 7)")

    page.get_by_test_id("module-remove").click()
    page.get_by_test_id("files-named").get_by_text(f"/usr/{folder.name}/in/deep/数据.bin").wait_for()
    page.get_by_test_id("ask-yes").click()
    page.get_by_test_id(f"module:{folder.name}").wait_for(state="detached")
    assert folder.name not in studio.moduline("ls", ":/usr", "--port", "virt:m2")


def test_file_when_it_changed_meanwhile_then_nothing_is_replaced_and_copying_asks_first(studio, seat):
    (studio.root / "pair.py").write_text("x = 'of the computer'\n")
    (studio.root / "other.py").write_text("x = 'of the module'\n")
    studio.moduline("cp", "other.py", ":/usr/pair.py", "--port", "virt:m2")
    made = seat()
    page = made.open("/studio/files?port=virt:m2")
    page.get_by_test_id("module:pair.py").click()
    page.get_by_test_id("editor-path").wait_for()
    page.locator(".cm-content").click()
    page.keyboard.type("# mine\n")
    studio.moduline("cp", "pair.py", ":/usr/pair.py", "--port", "virt:m2")
    page.get_by_test_id("editor-save").click()
    page.get_by_text("ML-E0909").wait_for()
    page.get_by_test_id("editor-close").click()
    page.get_by_test_id("ask-yes").click()  # throw away what is not saved
    page.get_by_test_id("editor-path").wait_for(state="detached")

    (studio.root / "pair.py").write_text("x = 'newer'\n")
    page.get_by_test_id("tick:host:pair.py").click()
    page.get_by_test_id("host-to_module").click()
    page.get_by_test_id("files-named").get_by_text("/usr/pair.py").wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_test_id("files-named").wait_for(state="detached")
    assert module_file(studio, "/usr/pair.py") == b"x = 'of the computer'\n"
    page.get_by_test_id("host-to_module").click()
    page.get_by_test_id("ask-yes").click()
    page.get_by_test_id("files-jobs").get_by_text("done").wait_for()
    assert module_file(studio, "/usr/pair.py") == b"x = 'newer'\n"


def test_folder_when_synced_then_the_plan_is_shown_first_and_then_done(studio, seat):
    folder = studio.root / "synced"
    folder.mkdir(exist_ok=True)
    (folder / "a.py").write_text("a = 1\n")
    (studio.root / "s").mkdir(exist_ok=True)
    (studio.root / "s" / "gone.py").write_text("gone\n")
    studio.moduline("cp", "-r", "s", ":/usr/", "--port", "virt:m3")
    page = seat(size="narrow").open("/studio/files?port=virt:m3&at=synced")
    page.get_by_test_id("module:s").click()
    page.get_by_test_id("module:gone.py").wait_for()
    page.get_by_test_id("files-sync").click()
    plan = page.get_by_test_id("sync-plan")
    plan.get_by_role("cell", name="/usr/s/a.py").wait_for()
    assert plan.get_by_role("cell", name="/usr/s/gone.py").count() == 0
    page.get_by_test_id("sync-deletes").click()
    plan.get_by_role("cell", name="/usr/s/gone.py").wait_for()
    page.get_by_test_id("sync-go").click()
    page.get_by_test_id("files-jobs").get_by_text("done").wait_for()
    listed = studio.moduline("ls", ":/usr/s", "--port", "virt:m3")
    assert "a.py" in listed
    assert "gone.py" not in listed


def asked(studio, method, path, cookie="", origin=""):
    """Status of a request that no page sends."""
    headers = {"Cookie": f"{studio.cookie}={cookie}"} if cookie else {}
    headers |= {"Origin": origin} if origin else {}
    body = b"x" if method == "POST" else None
    request = urllib.request.Request(studio.url + path, data=body, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code


def test_address_when_asked_by_a_stranger_or_for_what_is_outside_then_refused(studio, session):
    (studio.root / "mine.txt").write_text("mine")
    bring, mine = f"/studio/files/bring/{'a' * 32}?at=0", "/studio/files/host?path=mine.txt"
    assert asked(studio, "GET", mine) == 401
    assert asked(studio, "GET", mine, "not_a_session") == 401
    assert asked(studio, "GET", mine, session) == 200
    for path in ("../data/admin.token", "/../../etc/passwd", "%00", "nowhere"):
        assert asked(studio, "GET", f"/studio/files/host?path={path}", session) == 404, path
    assert asked(studio, "POST", bring) == 401
    assert asked(studio, "POST", bring, session, "http://elsewhere.example") == 403
    assert asked(studio, "POST", bring, session) == 404  # nobody announced it
    assert asked(studio, "GET", "/studio/files/fetched/..%2f..%2fadmin.token", session) == 404
