"""What the files of an artifact are to a module, and what no virtual module can try."""

from __future__ import annotations

import hashlib
import json
import re

import pytest

from moduline.cloud.rehearsals.delivery import must_be_taken, recognised
from moduline.delta.scripts import make_script
from moduline.errors import FormatError, NotRehearsable
from moduline.profiles import catalog
from update_rig import packages

OLD, NEW = b"x = 1\n" * 50, b"x = 2\n" * 50


def test_files_when_one_container_then_one_url():
    (data,) = packages("diff")
    found = recognised([("up to v2.bin", data)])
    assert (found.kind, found.renews_firmware, found.replaces_scripts) == ("diff", True, False)
    assert re.findall(r"url\d='([^']*)'", found.verbs(8123)) == ["http://updates.rehearsal:8123/1.bin"]
    assert found.files == {"1.bin": data}


def test_files_when_a_set_then_both_urls_in_order_and_its_scripts_are_what_must_be_there():
    found = recognised([(f"m.mini_{number}", data) for number, data in enumerate(packages("mini"), 1)])
    assert (found.kind, found.renews_firmware, found.replaces_scripts) == ("mini", True, True)
    assert [one[-5:] for one in re.findall(r"url\d='([^']*)'", found.verbs(1))] == ["1.bin", "2.bin"]
    assert found.new_scripts() == {"main.py": b"print('new')" * 700}


def test_files_when_scripts_then_app_fota_by_name():
    found = recognised([("main.py", OLD), ("lib.mpy", NEW)])
    assert (found.kind, found.rows, found.new_scripts()) == ("scripts", (), {"main.py": OLD, "lib.mpy": NEW})
    assert "('/usr/main.py', 300), ('/usr/lib.mpy', 300)" in found.verbs(1)
    assert "set_update_flag" in found.verbs(1)


def test_files_when_patches_lie_beside_scripts_then_rows_of_script_patch():
    delta = make_script(OLD, NEW)
    found = recognised([("main.py", NEW), ("main.py.mdl", delta), ("other.py", OLD)])
    rows = {row["file_name"]: row for row in found.rows}
    assert rows["/usr/main.py"]["sha256"] == hashlib.sha256(NEW).hexdigest()
    assert (rows["/usr/main.py"]["url"], rows["/usr/main.py"]["patch"]) == ("main.py", "main.py.mdl")
    assert "patch" not in rows["/usr/other.py"]
    said = re.search(r"ujson.loads\((\".*\")\)\)", found.verbs(1))
    assert json.loads(json.loads(said[1])) == list(found.rows)
    profile = catalog.module("ec600n")
    must_be_taken(found, profile, ["main.py", "script_patch.py"])
    with pytest.raises(NotRehearsable, match="script_patch"):
        must_be_taken(found, profile, ["main.py"])


HOSTILE = {
    "a whole package": [("v2.zip", b"PK\x03\x04....")],
    "an archive": [("app.tar.gz", b"\x1f\x8b")],
    "an MCU image": [("mcu.s19", b"S0")],
    "a name with a quote": [("a'b.py", b"x")],
    "a name with a folder": [("../usr/a.py", b"x")],
    "a name of another script": [("主.py", b"x")],
    "a long name": [("a" * 90 + ".py", b"x")],
    "patches and scripts": [("a.py", b"x"), ("b.bin", packages("diff")[0])],
    "half of a set": [("m.mini_1", packages("mini")[0])],
    "a patch without its file": [("a.py.mdl", make_script(OLD, NEW))],
    "no file at all that it knows": [("a.bin", b"\0" * 500)],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_files_when_no_virtual_module_can_try_them_then_refused_in_both_languages(name):
    with pytest.raises(NotRehearsable) as caught:
        recognised(HOSTILE[name])
    assert re.search(r"[一-鿿]", caught.value.message("zh"))
    assert caught.value.message("en") != caught.value.message("zh")


@pytest.mark.parametrize("at", [10, 400, 3000])
def test_files_when_a_container_is_damaged_then_said_so(at):
    data = bytearray(packages("diff")[0])
    data[at] ^= 1
    with pytest.raises(FormatError):
        recognised([("a.bin", bytes(data))])


def test_model_when_it_takes_no_such_packages_then_refused():
    mini = recognised([(f"m.mini_{number}", data) for number, data in enumerate(packages("mini"), 1)])
    slugs = [one for one in catalog.modules() if not catalog.module(one).quirks.has_fota_mini]
    assert slugs
    with pytest.raises(NotRehearsable, match="mini"):
        must_be_taken(mini, catalog.module(slugs[0]), [])
