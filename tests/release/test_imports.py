"""Imports of a project: what the module has, what the project has, what nobody has."""

from __future__ import annotations

import pytest

from moduline.image import project as image_project
from moduline.profiles import catalog
from moduline.release.examine import examine
from moduline.release.imports import import_remarks, imported_names, onboard_modules

HEAD = "PROJECT_NAME = 'P'\nPROJECT_VERSION = '1'\n"


def selected(files):
    convention = catalog.convention("crc32-2021")
    return image_project.select({"main.py": HEAD.encode(), **files}, (), convention)


def slugs(source, **files):
    more = {name.replace("__", "/") + ".py": text.encode() for name, text in files.items()}
    project = selected({"a.py": source.encode(), **more})
    return [(one.slug, one.line, one.facts["name"]) for one in import_remarks(project)]


def test_onboard_modules_when_read_from_the_finder_then_the_device_s_names():
    found = onboard_modules()
    assert {"modem", "utime", "uos", "ujson", "_thread", "machine", "log", "checksum", "uasyncio"} <= found.modelled
    assert {"camera", "audio", "aLiYun"} <= found.unmodelled
    assert not found.modelled & found.unmodelled
    assert "numpy" not in found.modelled | found.unmodelled


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import utime, modem", []),
        ("import numpy", [("import-unknown", 1, "numpy")]),
        ("\nimport camera", [("import-unmodelled", 2, "camera")]),
        ("from usr import b", []),
        ("from usr import b as c", []),
        ("import usr.b", []),
        ("from usr.lib import x", []),
        ("from usr.lib.x import y", []),
        ("from usr import nothing", [("import-missing", 1, "usr.nothing")]),
        ("import usr.lib.nothing", [("import-missing", 1, "usr.lib.nothing")]),
        ("import b", [("import-outside-usr", 1, "b")]),
        ("import sys\nsys.path.append('/usr')\nimport b", []),
        ("from . import b", []),
        ("from .lib import x", []),
        ("from . import nothing", [("import-missing", 1, "usr.nothing")]),
        ("try:\n    import numpy\nexcept ImportError:\n    numpy = None", []),
        (
            "try:\n    import numpy\nexcept (ValueError, ImportError):\n    import scipy",
            [("import-unknown", 4, "scipy")],
        ),
        ("try:\n    import numpy\nexcept ValueError:\n    pass", [("import-unknown", 2, "numpy")]),
        ("try:\n    import numpy\nexcept:\n    pass", []),
        ("def f():\n    if 1:\n        import numpy", [("import-unknown", 3, "numpy")]),
        ("from usr import *", []),
        ("def :", []),
    ],
)
def test_import_when_judged_then_as_the_module_would_find_it(source, expected):
    assert slugs(source, b="", lib__x="y = 1") == expected


def test_bytecode_when_in_the_project_then_it_is_found():
    project = selected({"a.py": b"from usr import closed", "closed.mpy": b"M\x05"})
    assert not import_remarks(project)


def test_imported_names_when_listed_then_with_places():
    names = imported_names(selected({"lib/a.py": b"import utime\nfrom . import b\n"}))
    assert [(one.name, one.path, one.line) for one in names] == [("utime", "lib/a.py", 1), ("usr.lib", "lib/a.py", 2)]


def test_check_when_strict_then_notices_fail(tmp_path):
    (tmp_path / "main.py").write_text(HEAD + "import numpy\n", encoding="utf-8")
    examined = examine(tmp_path, "ec600u")
    examined.must_be_sound()
    with pytest.raises(Exception, match="numpy"):
        examined.must_be_sound(is_strict=True)


def test_check_when_a_name_cannot_be_typed_or_a_script_is_long_then_said(tmp_path):
    (tmp_path / "main.py").write_text(HEAD + "温度 = 1\nprint(温度, '温度')\n", encoding="utf-8")
    (tmp_path / "long.py").write_text("# " + "x" * 140_000 + "\n", encoding="utf-8")
    found = [(one.slug, one.path, one.line) for one in examine(tmp_path, "ec600u").remarks]
    assert found == [("name-not-typed", "main.py", 3), ("script-long", "long.py", 0)]
