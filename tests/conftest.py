"""Fixtures shared by all tests: a home of its own for every test, so that racks and caches never meet."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def moduline_home(tmp_path_factory, monkeypatch):
    """A fresh MODULINE_HOME; child processes inherit it."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("MODULINE_HOME", str(home))
    monkeypatch.setenv("MODULINE_LANG", "en")
    return home
