"""How ``moduline demo`` types commands as a user would, and stops at the first claim that is false."""

from __future__ import annotations

import subprocess
import sys

from moduline.cli.language import current
from moduline.cli.output import out
from moduline.errors import DemoFailed


def run(*words: str, must: bool = True) -> str:
    """Type one command as a user would; gives its stdout.

    Raises:
        DemoFailed: the command did not exit 0 although it must.
    """
    if must:
        out().print(f"[bold]$ moduline {' '.join(words)}[/bold]")
    done = subprocess.run(
        [sys.executable, "-m", "moduline", *words, "--lang", current()],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if not must else None,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if must:
        if not done.stdout.startswith("{"):  # what is asked for as JSON is compared, and shown as a table
            out().print(done.stdout.rstrip(), markup=False)
        check(done.returncode == 0, f"moduline {words[0]}", f"exit {done.returncode}")
    return done.stdout


def check(is_true: bool, claim: str, found: object) -> None:
    """Stop the demo unless a claim is true.

    Raises:
        DemoFailed: it is not.
    """
    if not is_true:
        raise DemoFailed(claim=claim, found=found)
