"""``help``, ``dir`` and ``from X import *`` for every on-board module, on the real interpreter.

Source: device-api 3.7, 9.1.
"""

import ast
import re
from pathlib import Path

import pytest

from onboard.test_small_modules import ask_all
from transcripts.board import Board, run

SHIMS = Path(__file__).parents[2] / "onboard" / "shims"
UNLISTED = {"lock", "semphore", "AS_MODULE", "device"}
"""Types the device's tables do not name; a mark of the finder; the part of ``Qth`` that a copy of it does not list."""


def shim_table():
    """Device name to file, from the finder's own table, as far as the files exist."""
    tree = ast.parse((SHIMS.parent / "boot" / "finder.py").read_text())
    table = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_SHIMS"
    )
    return {name: file for name, file in sorted(table.items()) if (SHIMS / f"{file}.py").exists()}


def public_names(tree):
    """Names a module defines at its top level that do not begin with an underscore."""
    names = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names.update(name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.update(alias.asname or alias.name for alias in node.names)
    return {name for name in names if not name.startswith("_")}


def order_of(tree):
    """The names under ``_ORDER``; None when the file has none."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "_ORDER" for t in node.targets):
            value = node.value.func.value if isinstance(node.value, ast.Call) else node.value
            found = ast.literal_eval(value)
            return found.split() if isinstance(found, str) else list(found)
    return None


@pytest.mark.parametrize("file", sorted(set(shim_table().values())))
def test_shim_lists_its_public_names_once_and_completely(file):
    tree = ast.parse((SHIMS / f"{file}.py").read_text())
    order = order_of(tree)
    if "AS_MODULE" in public_names(tree):
        return  # the module is a type: help shows the type
    assert order is not None, f"{file} has no _ORDER"
    assert len(order) == len(set(order))
    missing = public_names(tree) - set(order) - UNLISTED
    assert not missing, f"not in _ORDER of {file}: {sorted(missing)}"


def test_help_dir_and_star_import_of_every_module():
    async def story():
        async with Board() as board:
            await board.prompt()
            for name in shim_table():
                ask = board.client.ask
                said = await ask(f"import {name} as m; help(m)")
                if said.startswith("object <class "):  # a type stands where a module would: fota, osTimer
                    assert said.startswith(f"object <class '{name}'> is of type type\n"), said
                    continue
                head, own, *lines = said.splitlines()
                called = own.removeprefix("  __name__ -- ")
                assert head == f"object <module '{called}'> is of type module"
                assert called.removeprefix("u") == name.removeprefix("u"), said
                names = [re.fullmatch(r"  (\w+) -- .*", line)[1] for line in lines if line.startswith("  ")]
                assert not [one for one in names if one.startswith("_")], said
                assert eval(await ask("dir(m)")) == ["__class__", "__name__", *names], name
                await board.client.raw(f"g = {{}}\nexec('from {name} import *', g)\n")
                assert set(names) == set(eval(await ask("list(g)"))), name

    run(story)


def test_help_without_a_subject_is_the_modules_text():
    ask_all(
        ("help()", lambda said: said.splitlines()[0] == "Welcome to QuecPython!" and "quectel.com" in said),
        ("help(3.5)", lambda said: said.startswith("object 3.5 is of type float\n")),
        ("help('text')", lambda said: said.startswith("object text is of type str\n")),
        ("help(len)", "object <function> is of type function\n"),
    )


def test_help_modules_is_four_columns_in_alphabetical_order():
    """As Thonny reads it.  Source: device-api 3.7"""

    def is_right(said):
        *rows, last = said.splitlines()
        cells = [[row[at : at + 18].rstrip() for at in range(0, len(row), 18)] for row in rows]
        names = [row[column] for column in range(4) for row in cells if column < len(row)]
        assert last == "Plus any modules on the filesystem"
        assert names == sorted(names)
        assert {"modem", "uos", "utime", "checksum", "fota", "app_fota", "_thread", "log"} <= set(names)
        assert not {"boot", "shims", "rom"} & set(names)
        return all(row == row.rstrip() for row in rows)

    ask_all(("help('modules')", is_right))


def test_help_and_dir_of_a_users_module_show_what_is_in_it():
    ask_all(
        ("f = open('/usr/mine.py', 'w'); f.write('x = 1\\n_y = 2\\ndef g(): pass\\n'); f.close()", "27\n"),
        ("from usr import mine; help(mine)",
         lambda said: {"  x -- 1", "  _y -- 2", "  g -- <function>"} <= set(said.splitlines())),
        ("sorted(n for n in dir(mine) if n[:2] != '__')", "['_y', 'g', 'x']\n"),
        ("dir(mine) == dir(mine), 'mine' in dir(), dir(5)[0]", "(True, True, '__class__')\n"),
    )  # fmt: skip
