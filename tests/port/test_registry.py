"""The tree of virtual modules: atomic, stale-proof, cheap to poll."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from moduline.errors import BadOption
from moduline.port import registry
from moduline.port.registry import ModuleEntry, PortEntry


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MODULINE_HOME", str(tmp_path))
    return tmp_path


AT = PortEntry("at", "/dev/pts/7", 0x2C7C, 0x0901, "Quectel USB AT Port", "virt-bench-1")
ENTRY = ModuleEntry("m1", "bench", "EC600U", "861234567890123", "A1", "running", (AT,))


def test_module_when_published_then_is_read_back_with_its_owner(home):
    registry.publish(ENTRY)
    (found,) = registry.modules("bench")
    assert (found.name, found.imei, found.ports, found.state) == ("m1", "861234567890123", (AT,), "running")
    assert found.process > 0
    assert found.updated > 0
    raw = json.loads((home / "racks" / "bench" / "m1.json").read_text())
    assert raw["ports"][0]["location"] == "virt-bench-1"


def test_module_when_withdrawn_then_is_gone_and_withdrawing_again_is_harmless():
    registry.publish(ENTRY)
    registry.withdraw("bench", "m1")
    registry.withdraw("bench", "m1")
    assert registry.modules() == ()


def test_entry_when_its_process_is_dead_then_is_stale_and_swept(home):
    script = (
        "from moduline.port.registry import *; publish(ModuleEntry('m2', 'bench'));publish(ModuleEntry('m3', 'other'))"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    registry.publish(ENTRY)
    assert [entry.name for entry in registry.modules()] == ["m1"]
    assert len(registry.sweep()) == 2
    assert sorted(path.name for path in (home / "racks").rglob("*.json")) == ["m1.json"]


def test_entry_when_the_process_number_was_used_again_then_is_stale(home):
    registry.publish(ENTRY)
    path = home / "racks" / "bench" / "m1.json"
    raw = json.loads(path.read_text())
    raw["process_started"] = "1"
    path.write_text(json.dumps(raw))
    assert registry.modules() == ()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"ports": 3}', '{"ports": [{}]}', '{"ports": [], "name": "x"}', "\xff"]
)
def test_file_when_damaged_then_is_passed_over(home, text):
    registry.publish(ENTRY)
    (home / "racks" / "bench" / "bad.json").write_bytes(text.encode("latin-1"))
    assert [entry.name for entry in registry.modules()] == ["m1"]


@pytest.mark.parametrize("name", ["", "a/b", "..", ".x", "a\\b", "a*"])
def test_name_when_it_would_leave_the_tree_then_bad_option(name):
    with pytest.raises(BadOption):
        registry.publish(ModuleEntry(name, "bench"))
    with pytest.raises(BadOption):
        registry.publish(ModuleEntry("m1", name))


def test_stamp_when_something_changes_then_differs():
    before = registry.tree_stamp()
    registry.publish(ENTRY)
    published = registry.tree_stamp()
    registry.publish(ENTRY)
    assert len({before, published, registry.tree_stamp()}) == 3
