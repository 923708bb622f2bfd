"""A Studio and a Chromium per worker, started when the first test asks; each test gets a seat of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from web.chromium import Seat, axe_source, chromium_path, launch, session_of
from web.studio_process import StudioProcess

FILES = sorted(path.name for path in Path(__file__).parent.glob("test_*.py"))


class _Stop:
    """Stops a Studio before the first test that does without: while it idles it takes from the rest of the suite."""

    def __init__(self, made):
        self.made = made

    def pytest_runtest_setup(self, item):
        if not _drives(item):
            self.stop()

    def stop(self):
        made, self.made = self.made, None
        if made is not None:
            made.stop()
            made.moduline("virt", "down", "--rack", "studio", "--delete")


@pytest.fixture(scope="session")
def studio(request, tmp_path_factory):
    """A Studio with three virtual modules and a platform."""
    made = StudioProcess(tmp_path_factory.mktemp("studio"), "--modules", "3", "--rack", "studio")
    stop = _Stop(made)
    request.config.pluginmanager.register(stop)
    yield made
    stop.stop()


def _drives(item):
    return bool({"chromium", "studio"} & set(getattr(item, "fixturenames", ())))


def pytest_itemcollected(item):
    """Two workers drive browsers, file by file: a Studio for each of more would cost more than they gain.

    A page that does not come in time on a busy machine gets a second try, in a seat of its own; the log tells of both.
    """
    if _drives(item):
        turn = FILES.index(item.path.name) % 2
        item.add_marker(pytest.mark.xdist_group(f"web{turn}"))
        item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Those that drive the browser begin at once, for they are long."""
    driving = [item for item in items if _drives(item)]
    known = set(map(id, driving))
    items[:] = driving + [item for item in items if id(item) not in known]


@pytest.fixture(scope="module")
def chromium():
    """The browser; closed behind each file, for while it is driven no test in this thread can run an event loop."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pages are driven by playwright, which is not here")
    if not chromium_path():
        pytest.skip("pages are tried in Chromium, which is not here")
    with playwright.sync_playwright() as driver:
        browser = launch(driver)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def session(studio):
    """A session of the admin."""
    return session_of(studio)


@pytest.fixture
def again(request):
    """Nothing at the first try, "-2" at the second: what the first one made is still there under its name."""
    count = getattr(request.node, "execution_count", 1)
    return f"-{count}" if count > 1 else ""


@pytest.fixture
def seat(studio, chromium, session):
    """Makes seats: ``seat(lang="zh", size="narrow", theme="dark")``."""
    made = []

    def make(**how):
        made.append(Seat(chromium, studio, session=how.pop("session", session), **how))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="session")
def axe(request):
    """The text of axe-core."""
    return axe_source(request.config.cache.mkdir("axe"))
