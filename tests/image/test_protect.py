"""Script protection: what becomes bytecode, what stays and why."""

from __future__ import annotations

from moduline.image import protect
from moduline.image.tree import FileTree

TREE = FileTree.of({"main.py": b"1", "a.py": b"2", "lib/main.py": b"3", "b.mpy": b"M", "c.txt": b""})


def test_plan_when_made_then_every_kept_file_has_its_reason():
    plan = protect.plan(TREE, "main.py")
    assert plan.scripts == ("a.py", "lib/main.py")
    assert [(one.path, one.reason.en) for one in plan.kept] == [
        ("main.py", "the entry file stays source; the firmware starts nothing else"),
        ("b.mpy", "bytecode already"),
        ("c.txt", "not a Python script"),
    ]
    assert not plan.remarks


def test_plan_when_bytecode_would_replace_a_file_then_error():
    plan = protect.plan(FileTree.of({"main.py": b"", "a.py": b"", "a.mpy": b"M"}), "main.py")
    assert [(one.severity, one.slug, one.path) for one in plan.remarks] == [("error", "mpy-clash", "a.py")]
    assert plan.scripts == ()


def test_tree_when_protected_then_order_stays():
    """T01: with the encrypt tick the listing is the same but for the ending."""
    tree = protect.apply(TREE, {"a.py": b"x", "lib/main.py": b"y"})
    assert list(tree.files().items()) == [
        ("main.py", b"1"),
        ("a.mpy", b"x"),
        ("lib/main.mpy", b"y"),
        ("b.mpy", b"M"),
        ("c.txt", b""),
    ]
