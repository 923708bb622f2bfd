"""Fixtures shared by all tests: a home of its own for every test, so that racks and records never meet."""

from __future__ import annotations

import gc
import os
import signal
import sys
from pathlib import Path

import pytest

from moduline.cli import language

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a run in the background; commands under test are to hear Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # nohup; or of a closed terminal
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

if sys.dont_write_bytecode:  # asked for by many CI machines; hundreds of interpreters would all compile
    sys.dont_write_bytecode = False
    sys.pycache_prefix = str(Path(__file__).parents[1] / ".pytest_cache" / "bytecode")  # the tree stays as it is
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

HERE = Path(__file__).parent
WAITING = ("journey", "onboard", "vmodule")
"""Folders of tests that wait more than they compute."""
CACHES = ("cache", "rom")
"""Folders of a home whose files are named after the hash of what they were made from: one for all tests of a run."""


SECOND_TRIES = 8
"""Tests of a run that may fail on the first try, of those that drive a browser; others have one try."""


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """A second try now and then is a busy machine's, and the log names it; many of them are a fault."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    count = len(reporter.stats.get("rerun", ())) if reporter is not None else 0
    if count > SECOND_TRIES:
        reporter.write_line(f"{count} tests failed on the first try; at most {SECOND_TRIES} may", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter):
    """Why a first try failed is to be found even where the second one passed."""
    for report in terminalreporter.stats.get("rerun", ()):
        terminalreporter.section(f"first try of {report.nodeid}")
        terminalreporter.write_line(report.longreprtext)


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Thousands of test items live until the end: they are neither searched while they come, nor by any later search."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items):
    """Those that drive a browser begin at once, for they are long; beside them those that leave the processor free."""
    items.sort(key=_turn)


def _turn(item):
    group = item.get_closest_marker("xdist_group")
    if group is not None and group.args[0].startswith("web"):
        return 0
    return 1 if item.path.relative_to(HERE).parts[0] in WAITING else 2


@pytest.fixture(autouse=True)
def moduline_home(tmp_path_factory, monkeypatch):
    """A fresh MODULINE_HOME; child processes inherit it."""
    home = tmp_path_factory.mktemp("home")
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "moduline-caches"
    for name in CACHES:
        (shared / name).mkdir(parents=True, exist_ok=True)
        (home / name).symlink_to(shared / name, target_is_directory=True)
    monkeypatch.setenv("MODULINE_HOME", str(home))
    monkeypatch.setenv("MODULINE_LANG", "en")
    language.choose("en")  # a command run in this process may have chosen another one for it
    return home
