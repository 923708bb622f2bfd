"""Reading recipes: strict, with file, line and key, in both languages; the reference names every kind and key."""

from __future__ import annotations

import contextlib
import random
import re
from pathlib import Path

import pytest

from line.checks.module_in_process import recipe_of
from moduline.errors import BadRecipe, ModulineError, NoSuchFile
from moduline.line.checks import KINDS, read_recipe, read_recipe_file
from moduline.line.checks.recipe import CHECK_KEYS, RECIPE_KEYS
from moduline.line.checks.starter import STARTER
from moduline.profiles.schema import Table

ROOT = Path(__file__).resolve().parents[3]
LEAST = {
    "signal": {"min": 1},
    "voltage": {"max": 4000},
    "temperature": {"max": 60},
    "free_space": {"min": 1},
    "at": {"command": "AT"},
    "repl": {"expression": "1", "equals": 1},
    "script": {"file": "x.py"},
    "gpio": {"pin": "GPIO1", "level": 1},
}

WRONG = [
    # text, place, key, word of the reason
    ("", "r.toml", "check", "missing"),
    ("check = []", "r.toml:1", "check", "no check"),
    ("title = 5\n[[check]]\nkind = 'imei'", "r.toml:1", "title", "string"),
    ("stop = 1\n[[check]]\nkind = 'imei'", "r.toml:1", "stop", "unknown"),
    ("[[check]]\nkind = 'imei'\n\n[[check]]\nkind = 'imeo'", "r.toml:5", "check[1].kind", "none of"),
    ("[[check]]\nkind = 'imei'\nlun = true", "r.toml:3", "check[0].lun", "unknown"),
    ("[[check]]\nkind = 'imei'\nluhn = 'yes'", "r.toml:3", "check[0].luhn", "true or false"),
    ("[[check]]\nkind = 'imei'\n[[check]]\nkind = 'imei'", "r.toml:3", "check[1].name", "twice"),
    ("[[check]]\nkind = 'imei'\nname = ''", "r.toml:3", "check[0].name", "64"),
    ("[[check]]\nkind = 'imei'\nneeds = ['sim']", "r.toml:3", "check[0].needs", "no earlier check 'sim'"),
    ("[[check]]\nkind = 'imei'\nneeds = ['imei']", "r.toml:3", "check[0].needs", "no earlier"),
    ("[[check]]\nkind = 'imei'\nlimit_s = 0", "r.toml:3", "check[0].limit_s", "more than 0"),
    ("[[check]]\nkind = 'imei'\nlimit_s = 1e9", "r.toml:3", "check[0].limit_s", "seconds"),
    ("[[check]]\nkind = 'imei'\nlimit_s = nan", "r.toml:3", "check[0].limit_s", "number"),
    ("[[check]]\nkind = 'imei'\nrepeat = 0", "r.toml:3", "check[0].repeat", "1 to"),
    ("[[check]]\nkind = 'imei'\nretries = -1", "r.toml:3", "check[0].retries", "integer"),
    ("[[check]]\nkind = 'imei'\npattern = '('", "r.toml:3", "check[0].pattern", "regular expression"),
    ("[[check]]\nkind = 'signal'", "r.toml:1", "check[0].min", "needs one of"),
    ("[[check]]\nkind = 'signal'\nmin = 9\nmax = 3", "r.toml:3", "check[0].min", "greater than max"),
    ("[[check]]\nkind = 'signal'\nmin = '9'", "r.toml:3", "check[0].min", "number"),
    ("[[check]]\nkind = 'registration'\nallowed = ['hom']", "r.toml:3", "check[0].allowed", "no state 'hom'"),
    ("[[check]]\nkind = 'registration'\nallowed = []", "r.toml:3", "check[0].allowed", "no state"),
    ("[[check]]\nkind = 'temperature'\nmax = 60\npattern = '1'", "r.toml:4", "check[0].pattern", "group"),
    ("[[check]]\nkind = 'at'\ncommand = 'CSQ'", "r.toml:3", "check[0].command", "no AT command"),
    ("[[check]]\nkind = 'at'\ncommand = \"AT\\nAT+QPOWD\"", "r.toml:3", "check[0].command", "no AT command"),
    ("[[check]]\nkind = 'repl'\nexpression = '1'", "r.toml:1", "check[0].min", "needs one of"),
    ("[[check]]\nkind = 'repl'\nexpression = ''\nequals = 1", "r.toml:3", "check[0].expression", "expression"),
    ("[[check]]\nkind = 'repl'\nexpression = \"1\\u0003\"\nequals = 1", "r.toml:3", "check[0].expression", "control"),
    ("[[check]]\nkind = 'repl'\nexpression = '1'\nequals = [1]", "r.toml:4", "check[0].equals", "string, a number"),
    ("[[check]]\nkind = 'script'\nfile = 'bad.py'", "r.toml:3", "check[0].file", "no Python"),
    (
        "[[check]]\nkind = 'script'\nfile = 'x.py'\nlimits.v = { mn = 1 }",
        "r.toml:4",
        "check[0].limits.v.min",
        "needs one",
    ),
    (
        "[[check]]\nkind = 'script'\nfile = 'x.py'\nlimits.v = { min = 1, mx = 1 }",
        "r.toml:4",
        "check[0].limits.v.mx",
        "unknown",
    ),
    ("[[check]]\nkind = 'script'\nfile = 'x.py'\nsha256 = '00'", "r.toml:4", "check[0].sha256", "x.py is"),
    ("[[check]]\nkind = 'files'\nfile = [{ path = 'usr/a' }]", "r.toml:3", "check[0].file[0].path", "absolute"),
    ("[[check]]\nkind = 'files'\nfile = [{ path = '/usr/../a' }]", "r.toml:3", "check[0].file[0].path", "absolute"),
    (
        "[[check]]\nkind = 'files'\nfile = [{ path = '/usr/a', sha256 = 'z' }]",
        "r.toml:3",
        "check[0].file[0].sha256",
        "hex",
    ),
    ("[[check]]\nkind = 'files'\nfile = [{path='/a/b'},{path='/a/b'}]", "r.toml:3", "check[0].file", "twice"),
    ("[[check]]\nkind = 'files'\npackage = false", "r.toml:3", "check[0].package", "nothing"),
    ("[[check]]\nkind = 'gpio'\npin = '1'\nlevel = 1", "r.toml:3", "check[0].pin", "GPIO1"),
    ("[[check]]\nkind = 'gpio'\npin = 'GPIO1'", "r.toml:1", "check[0].level", "either"),
    ("[[check]]\nkind = 'gpio'\npin = 'GPIO1'\nlevel = 2", "r.toml:4", "check[0].level", "0 or 1"),
    ("[[check]]\nkind = 'uart'\nport = 3", "r.toml:3", "check[0].port", "no such UART"),
    ("[[check]]\nkind = 'uart'\ntext = ''", "r.toml:3", "check[0].text", "ASCII"),
    ("[[check]]\nkind = 'imei'\nkind = 'sim'\n", "r.toml", "-", "line 3"),
    ("\xff" * 3 + "[", "r.toml", "-", "TOML"),
]


@pytest.mark.parametrize(("text", "place", "key", "word"), WRONG, ids=range(len(WRONG)))
def test_recipe_when_wrong_then_file_line_key_and_reason_in_both_languages(text, place, key, word):
    with pytest.raises(BadRecipe) as wrong:
        recipe_of(text, x_py="pass\n", bad_py="def\n")
    assert (wrong.value.facts["path"], wrong.value.facts["key"]) == (place, key)
    assert word in wrong.value.message("en")
    assert re.search(r"[\u4e00-\u9fff]", wrong.value.message("zh"))
    assert wrong.value.code == "ML-E0806"


def test_recipe_when_many_bytes_are_random_then_nothing_but_our_errors():
    dice = random.Random(5)
    good = STARTER.encode()
    for _ in range(300):
        data = bytearray(good)
        for _ in range(dice.randrange(1, 6)):
            data[dice.randrange(len(data))] = dice.choice(b"\x00\"'[]{}=.#\nkm1\xff")
        with contextlib.suppress(ModulineError):
            assert read_recipe(bytes(data), "r.toml", lambda name: b"").checks


def test_starter_when_read_then_is_a_recipe_and_its_comments_are_too():
    recipe = recipe_of(STARTER)
    assert len(recipe.checks) == 8
    commented = re.sub(r"(?m)^# (?=\[\[check\]\]|[a-z_.]+ = )", "", STARTER)
    assert len(recipe_of(commented, board_py="pass").checks) == 10


def test_recipe_when_a_script_changes_then_has_another_hash():
    text = "[[check]]\nkind = 'script'\nfile = 'x.py'"
    assert recipe_of(text, x_py="a=1").sha256 != recipe_of(text, x_py="a=2").sha256
    assert recipe_of(text, x_py="a=1").sha256 == recipe_of(text, x_py="a=1").sha256


def test_recipe_file_when_in_an_odd_folder_then_reads_scripts_beside_it_and_misses_them_by_name(tmp_path):
    folder = tmp_path / "测试 目录 (1)"
    folder.mkdir()
    (folder / "r.toml").write_text("[[check]]\nkind = 'script'\nfile = '脚本.py'\n", encoding="utf-8")
    with pytest.raises(NoSuchFile, match="脚本"):
        read_recipe_file(folder / "r.toml")
    (folder / "脚本.py").write_text("print('{}')", encoding="utf-8")
    assert read_recipe_file(folder / "r.toml").checks[0].name == "script"
    with pytest.raises(NoSuchFile):
        read_recipe_file(folder / "none.toml")


class Listening(Table):
    """A table that notes which keys are asked for."""

    def __init__(self, values):
        super().__init__(values, "r.toml")
        self.asked = set()

    def has(self, key):
        self.asked.add(key)
        return super().has(key)

    def _take(self, key, kind, default):
        self.asked.add(key)
        return super()._take(key, kind, default)


@pytest.mark.parametrize("kind", KINDS)
def test_kind_when_it_reads_a_key_then_the_key_is_in_its_table_and_in_the_reference(kind):
    table = Listening(LEAST.get(kind, {}))
    KINDS[kind].read(table, lambda name: b"pass")
    named = {key.name for key in KINDS[kind].KEYS}
    assert table.asked == named
    text = (ROOT / "docs/spec/recipe.md").read_text(encoding="utf-8")
    section = text.partition(f"### `{kind}`")[2].partition("\n### ")[0]
    for key in KINDS[kind].KEYS:
        assert f"| `{key.name}` |" in section, (kind, key.name)
        assert key.means.en in section
        assert re.search(r"[\u4e00-\u9fff]", key.means.zh)


def test_reference_when_compared_then_has_every_common_key_and_no_other_kind():
    text = (ROOT / "docs/spec/recipe.md").read_text(encoding="utf-8")
    assert re.findall(r"^### `(\w+)`", text, re.MULTILINE) == list(KINDS)
    for key in (*RECIPE_KEYS, *CHECK_KEYS):
        assert f"| `{key.name}` |" in text.partition("## Kinds")[0]


def test_reference_when_it_shows_a_recipe_then_it_is_one():
    text = (ROOT / "docs/spec/recipe.md").read_text(encoding="utf-8")
    shown = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert shown
    for one in shown:
        recipe_of(one, board_py="pass")
