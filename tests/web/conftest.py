"""A Studio and a Chromium per worker, started when the first test asks; each test gets a seat of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from web.chromium import Seat, axe_source, chromium_path, launch, session_of
from web.studio_process import StudioProcess

FILES = sorted(path.name for path in Path(__file__).parent.glob("test_*.py"))


class _Stop:
    """Ends something before the first test that drives no browser; all that do come one after the other.

    A Studio that idles takes from the rest of the suite, and while a browser is driven no test in its thread can run
    an event loop.
    """

    def __init__(self, end):
        self.end = end

    def pytest_runtest_setup(self, item):
        if not _drives(item):
            self.now()

    def now(self):
        end, self.end = self.end, None
        if end is not None:
            end()


@pytest.fixture(scope="session")
def studio(request, tmp_path_factory):
    """A Studio with three virtual modules and a platform."""
    made = StudioProcess(tmp_path_factory.mktemp("studio"), "--modules", "3", "--rack", "studio")

    def end():
        made.stop()
        made.moduline("virt", "down", "--rack", "studio", "--delete")

    stop = _Stop(end)
    request.config.pluginmanager.register(stop)
    yield made
    stop.now()


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


class _Browser:
    """A browser that is started when it is asked for, and again when it was lost."""

    def __init__(self, start_driver):
        self._start_driver = start_driver
        self._driver = self._browser = None

    def get(self):
        if self._browser is not None and not self._browser.is_connected():
            self.end()
        if self._browser is None:
            self._driver = self._start_driver()
            self._browser = launch(self._driver)
        return self._browser

    def end(self):
        browser, self._browser = self._browser, None
        if browser is not None:
            browser.close()
            self._driver.stop()


@pytest.fixture(scope="session")
def browser(request):
    """The browser of this worker."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pages are driven by playwright, which is not here")
    if not chromium_path():
        pytest.skip("pages are tried in Chromium, which is not here")
    made = _Browser(lambda: playwright.sync_playwright().start())
    stop = _Stop(made.end)
    request.config.pluginmanager.register(stop)
    yield made
    stop.now()


@pytest.fixture
def chromium(browser):
    """The browser, running."""
    return browser.get()


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
