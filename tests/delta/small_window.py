"""The module's decoder of the window stream on this computer: plain enough for CPython, and told to check its numbers.

``watched`` is the same text with every sum, product and shift looked at: a module's small integers have 31 bits with a
sign, and what leaves them costs memory at every step.
"""

from __future__ import annotations

import ast
import io
from pathlib import Path
from types import ModuleType

from moduline.delta import window
from moduline.errors import BadFormat

SOURCE = Path(__file__).parents[2] / "onboard" / "sdk" / "script_window.py"
SMALL = 1 << 30


class _Watch(ast.NodeTransformer):
    """Puts ``_seen(...)`` around every operation with numbers."""

    def visit_BinOp(self, node):
        return _around(self.generic_visit(node))

    def visit_AugAssign(self, node):
        self.generic_visit(node)
        target = ast.parse(ast.unparse(node.target), mode="eval").body
        return ast.Assign([node.target], _around(ast.BinOp(target, node.op, node.value)))


def _around(node):
    return ast.Call(ast.Name("_seen", ast.Load()), [node], [])


def _module(tree):
    module = ModuleType("script_window")
    module.__dict__["_seen"] = _seen
    exec(compile(tree, str(SOURCE), "exec"), module.__dict__)
    module.MOST_SLOT_KIB = 56  # as much as the format holds
    return module


def _seen(value):
    assert not isinstance(value, int) or -SMALL <= value < SMALL, value
    return value


plain = _module(SOURCE.read_text("utf-8"))
watched = _module(ast.fix_missing_locations(_Watch().visit(ast.parse(SOURCE.read_text("utf-8")))))


class Written(io.BytesIO):
    """A new file that must not grow beyond what is agreed."""

    def __init__(self, most):
        super().__init__()
        self.most = most

    def write(self, data):
        assert self.tell() + len(data) <= self.most
        return super().write(data)


def decode(old, stream, new_bytes, module=plain):
    """The new file; None: refused."""
    file = Written(new_bytes)
    try:
        module.unpack(io.BytesIO(old), io.BytesIO(stream), new_bytes, file)
    except ValueError:
        return None
    return file.getvalue()


def answers(old, stream, new_bytes):
    """What each decoder makes of it; None: refused."""
    try:
        one = window.apply(old, stream, new_bytes)
    except BadFormat:
        one = None
    return one, decode(old, stream, new_bytes)
