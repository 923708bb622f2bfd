"""Scenario files: what they say, and every way in which they can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from moduline.errors import BadRecipe, NoSuchFile
from moduline.profiles.schema import Table
from moduline.vmodule.faults.words import parse_faults
from moduline.vmodule.scenario import TimelineEntry, describe, read_scenario, read_scenario_file
from moduline.vmodule.scenario.layers import LayeredTable
from moduline.vmodule.scenario.reading import MODULE_KEYS
from moduline.vmodule.scenario.surroundings import READERS, make_world

EXAMPLES = Path(__file__).parents[3] / "examples" / "scenarios"


def read(text, folder=Path("/nowhere")):
    return read_scenario(text.encode(), folder / "s.toml")


def refused(text, folder=Path("/nowhere")):
    """Key and reason of the complaint."""
    with pytest.raises(BadRecipe) as caught:
        read(text, folder)
    assert caught.value.exit_code == 8
    assert caught.value.message("zh") != caught.value.message("en")
    assert "{" not in caught.value.message("en") + caught.value.message("zh")
    return caught.value.facts["key"], caught.value.message("en")


def test_scenario_when_short_then_one_healthy_module():
    (one,) = read("[[modules]]").modules
    assert (one.name, one.number, one.module, one.slot, one.faults, one.timeline) == ("m", 1, "ec600u", "", (), ())
    assert (one.is_blank, one.is_off, one.is_tcp, dict(one.surroundings)) == (False, False, False, {})


def test_modules_when_counted_then_named_numbered_and_slotted_in_order():
    scenario = read(
        '[[modules]]\nname="a"\ncount=2\nslot="J"\n[[modules]]\nname="b"\nslot="X"\n[[modules]]\nname="c"\ncount=1'
    )
    assert [(one.name, one.number, one.slot) for one in scenario.modules] == [
        ("a1", 1, "J1"),
        ("a2", 2, "J2"),
        ("b", 3, "X"),
        ("c1", 4, ""),
    ]


def test_keys_when_in_layers_then_the_nearest_counts_table_by_table():
    scenario = read(
        """
        seed = 9
        [defaults]
        module = "ec200u"
        faults = ["silent"]
        [defaults.radio.cell]
        operator = "LOW"
        mnc = "01"
        [[modules]]
        count = 3
        faults = ["at-silent"]
        [modules.radio.cell]
        operator = "MIDDLE"
        [modules.only.m2]
        module = "eg915u"
        faults = []
        [modules.only.m2.radio.cell]
        operator = "HIGH"
        """
    )
    first, second, third = scenario.modules
    assert (first.module, second.module, third.module) == ("ec200u", "eg915u", "ec200u")
    assert (first.faults, second.faults) == (("at-silent",), ())
    cells = [one.surroundings["radio"].cell for one in scenario.modules]
    assert [(cell.operator, cell.mnc) for cell in cells] == [("MIDDLE", "01"), ("HIGH", "01"), ("MIDDLE", "01")]
    assert len({one.seed for one in scenario.modules}) == 3


def test_seed_when_the_same_then_the_same_plan():
    text = '[[modules]]\ncount=4\nfaults=["drop@1/10"]\n'
    assert read("seed=5\n" + text) == read("seed=5\n" + text)
    assert [one.seed for one in read("seed=5\n" + text).modules] != [
        one.seed for one in read("seed=6\n" + text).modules
    ]


def test_timeline_when_read_then_in_the_order_of_the_file():
    (one,) = read('[[modules]]\ntimeline=[{at_s=12.5,fault="unplug"},{at_s=3,fault="hang,rssi=4"}]').modules
    assert one.timeline == (TimelineEntry(12.5, "unplug"), TimelineEntry(3.0, "hang,rssi=4"))


WRONG = {
    "nothing": ("", "modules"),
    "no modules": ("modules = []", "modules"),
    "modules are text": ('modules = "x"', "modules"),
    "not toml": ("[[modules]", "-"),
    "unknown at the top": ("speed = 3\n[[modules]]", "speed"),
    "unknown in a module": ("[[modules]]\ncolour = 3", "modules[0].colour"),
    "unknown in the second": ("[[modules]]\nname='a'\n[[modules]]\ncolour = 3", "modules[1].colour"),
    "unknown in the defaults": ("[defaults]\nname = 'x'\n[[modules]]", "defaults.name"),
    "defaults are text": ("defaults = 'x'\n[[modules]]", "defaults"),
    "unknown in an exception": ("[[modules]]\ncount=2\n[modules.only.m2]\nslot='A'", "modules[0].only.m2.slot"),
    "exception for nobody": ("[[modules]]\ncount=2\n[modules.only.m3]\noff=true", "modules[0].only.m3"),
    "exception is text": ("[[modules]]\nonly = 'm1'", "modules[0].only"),
    "seed is text": ("seed = 'x'\n[[modules]]", "seed"),
    "seed is huge": (f"seed = {1 << 60}\n[[modules]]", "seed"),
    "no module of that name": ("[[modules]]\nmodule = 'nokia3310'", "modules[0].module"),
    "module from the defaults": ("[defaults]\nmodule = 'nokia3310'\n[[modules]]", "defaults.module"),
    "count of nothing": ("[[modules]]\ncount = 0", "modules[0].count"),
    "too many": ("[[modules]]\ncount = 257", "modules[0].count"),
    "too many together": ("[[modules]]\nname='a'\ncount = 200\n[[modules]]\nname='b'\ncount = 57", "modules[1].count"),
    "name twice": ("[[modules]]\n[[modules]]", "modules[1].name"),
    "name is a path": ("[[modules]]\nname = '../m'", "modules[0].name"),
    "name means all": ("[[modules]]\nname = 'all'", "modules[0].name"),
    "no such package": ("[[modules]]\npackage = 'x.pac'", "modules[0].package"),
    "no such contents": ("[[modules]]\ncontents = 'x'", "modules[0].contents"),
    "contents are a number": ("[[modules]]\ncontents = 3", "modules[0].contents"),
    "blank with contents": ("[[modules]]\nblank = true\ncontents = '.'", "modules[0].blank"),
    "no such fault": ("[[modules]]\nfaults = ['sleep']", "modules[0].faults"),
    "no such part": ("[[modules]]\nfaults = ['verify-error@NOSUCH']", "modules[0].faults"),
    "fault of the defaults": ("[defaults]\nfaults = ['sleep']\n[[modules]]", "defaults.faults"),
    "no such fault later": ("[[modules]]\ntimeline=[{at_s=1,fault='sleep'}]", "modules[0].timeline[0].fault"),
    "later without time": ("[[modules]]\ntimeline=[{fault='hang'}]", "modules[0].timeline[0].at_s"),
    "before the beginning": ("[[modules]]\ntimeline=[{at_s=-1.0,fault='hang'}]", "modules[0].timeline[0].at_s"),
    "never": ("[[modules]]\ntimeline=[{at_s=inf,fault='hang'}]", "modules[0].timeline[0].at_s"),
    "unknown in a part": ("[[modules]]\n[modules.radio]\nvolume = 3", "modules[0].radio.volume"),
    "unknown in a part of the defaults": ("[defaults.clock]\nsped = 3\n[[modules]]", "defaults.clock.sped"),
    "part is text": ("[[modules]]\nradio = 'good'", "modules[0].radio"),
    "part of the defaults is text": ("[defaults]\nradio = 'good'\n[[modules]]\n[modules.radio.cell]", "defaults.radio"),
    "deep in the defaults": (
        "[defaults.radio.cell]\nsignal=[{at_s=0,rssi=55}]\n[[modules]]\n[modules.radio.sim]\npin='4321'",
        "defaults.radio.cell.signal[0].rssi",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_scenario_when_wrong_then_refused_with_its_key(name, tmp_path):
    text, key = WRONG[name]
    found, message = refused(text, tmp_path)
    assert found == key, message


def test_scenario_when_any_bytes_then_a_value_or_bad_recipe():
    good = (EXAMPLES / "roaming_tracker.toml").read_bytes()
    for at in range(0, len(good), 17):
        for broken in (good[:at], good[:at] + b"\xff" + good[at + 1 :], good[:at] + b"[[" + good[at:]):
            try:
                read_scenario(broken, EXAMPLES / "x.toml")
            except BadRecipe:
                continue


def test_file_when_missing_then_says_so(tmp_path):
    with pytest.raises(NoSuchFile):
        read_scenario_file(tmp_path / "nowhere.toml")


def test_paths_when_relative_then_from_the_files_folder(tmp_path):
    (tmp_path / "app").mkdir()
    (tmp_path / "a.py").write_text("")
    (tmp_path / "s.toml").write_text('[[modules]]\ncontents = ["app", "a.py"]')
    (one,) = read_scenario_file(tmp_path / "s.toml").modules
    assert one.contents == (tmp_path / "app", tmp_path / "a.py")


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_example_when_read_then_right_and_its_world_can_be_made(path):
    scenario = read_scenario_file(path)
    assert scenario.title
    assert len(describe(scenario)) == len(scenario.modules) > 0
    for plan in scenario.modules:
        make_world(plan.surroundings, plan.seed)
        for words in (*plan.faults, *(entry.fault for entry in plan.timeline)):
            assert parse_faults(words)


def test_examples_when_listed_then_there_are_four():
    assert {path.stem for path in EXAMPLES.glob("*.toml")} == {
        "basement_meter",
        "flaky_cable",
        "jig_of_sixteen",
        "roaming_tracker",
    }


def test_layers_when_read_then_like_one_table_and_complaints_name_the_layer():
    table = LayeredTable([({"a": 1, "t": {"x": 1, "y": 2}}, "low"), ({"b": 2, "t": {"y": 3}}, "high")], "f.toml")
    assert (table.number("a"), table.number("b")) == (1, 2)
    inner = table.table("t")
    assert isinstance(inner, Table)
    assert (inner.number("x"), inner.number("y")) == (1, 3)
    inner.end()
    table.end()
    with pytest.raises(BadRecipe) as caught:
        LayeredTable([({"a": "text"}, "low"), ({}, "high")], "f.toml").number("a")
    assert caught.value.facts["key"] == "low.a"


def test_parts_when_listed_then_each_has_its_table():
    assert set(READERS) == {"clock", "radio", "network", "bench", "cloud", "updates"}
    assert set(READERS) <= set(MODULE_KEYS)
