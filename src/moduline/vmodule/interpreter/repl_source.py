"""Source text that echoes: a pasted block runs as a file, yet shows the values of its expression statements.

The interpreter can compile a single statement that echoes or a whole file that does not. So the block's expression
statements at module level are wrapped in ``__repl_print__(...)``, which the interpreter has for this; nothing moves to
another line, so tracebacks stay right. Text that desktop Python cannot parse goes to the interpreter as it is, to be
refused there in its own words. Pure.

Source: device-api 3.3.
"""

from __future__ import annotations

import ast
import warnings
from typing import Final

MAX_BYTES: Final = 65536


def echoing(source: str) -> str:
    """``source`` with its module-level expression statements wrapped; unchanged when it cannot be parsed."""
    if len(source) > MAX_BYTES or not source.strip():
        return source
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return source
    lines = [line.encode() for line in source.split("\n")]
    for node in sorted(_expressions(tree.body), key=lambda node: (node.lineno, node.col_offset), reverse=True):
        last = (node.end_lineno or node.lineno) - 1
        end = node.end_col_offset or 0
        lines[last] = lines[last][:end] + b")" + lines[last][end:]
        first, start = node.lineno - 1, node.col_offset
        lines[first] = lines[first][:start] + b"__repl_print__(" + lines[first][start:]
    return b"\n".join(lines).decode()


def _expressions(body: list[ast.stmt]) -> list[ast.Expr]:
    """Expression statements that run at module level, also inside if, loops, with and try."""
    found: list[ast.Expr] = []
    for node in body:
        if isinstance(node, ast.Expr):
            if not isinstance(node.value, ast.Yield | ast.YieldFrom | ast.Await):
                found.append(node)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for name in ("body", "orelse", "finalbody"):
                found += _expressions(getattr(node, name, []))
            for handler in getattr(node, "handlers", []):
                found += _expressions(handler.body)
    return found
