"""Tracebacks as a real module prints them: without the frames of this boot code, which is C there."""

import io
import sys


def format_exception(fault):
    """The text, with its last line end."""
    text = io.StringIO()
    sys.print_exception(fault, text)
    lines = [line for line in text.getvalue().split("\n") if not line.startswith('  File "<rom>')]
    return "\n".join(lines)
