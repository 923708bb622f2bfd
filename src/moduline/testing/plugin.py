"""The pytest plugin: fixtures ``module``, ``repl``, ``rack`` and ``power_cut``, and the marker ``moduline``.

It is found by pytest when Moduline is installed, and costs nothing until a fixture is used: everything else is imported
then. ``--moduline`` says at the beginning which project is tested, and stops when there is none.

::

    session   moduline_bench     event loop, zygote, programmed flashes
    function  module             a fresh module with the project's files, without power
              repl               its raw prompt; main.py does not run
              rack               several of them
              power_cut          cuts the power of ``module``

    @pytest.mark.moduline(module="ec200u", files={"config.json": b"{}"}, uarts=(1, 2), package=FILE, count=3, seed=7,
                          scenario="rack.toml")
"""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from moduline.testing.bench import TestBench, Wanted
    from moduline.testing.module_under_test import ModuleUnderTest, Repl
    from moduline.testing.power_cut import PowerCut
    from moduline.testing.rack_under_test import RackUnderTest
    from moduline.vmodule.scenario import ModulePlan

MARKER = "moduline"
_WORDS = frozenset({"module", "project", "files", "package", "uarts", "count", "seed", "scenario"})
HITS = "moduline_hits"
_modules: pytest.StashKey[list[ModuleUnderTest]] = pytest.StashKey()
_hits: pytest.StashKey[list[dict[str, list[int]]]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of this plugin."""
    group = parser.getgroup("moduline", "virtual QuecPython modules (Moduline)")
    group.addoption("--moduline", action="store_true", help="test the Moduline project in this folder; fail without")
    group.addoption("--moduline-project", metavar="DIR", default="", help="the project; default: where the test lies")
    group.addoption("--moduline-coverage", action="store_true", help="which lines of the scripts ran; slows them down")
    group.addoption("--moduline-module", metavar="M", default="", help="model for all tests without a marker")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known; with ``--moduline`` there must be a project."""
    config.addinivalue_line(
        "markers",
        "moduline(module, project, files, package, uarts, count, seed, scenario): what virtual module a test wants",
    )
    if config.getoption("--moduline") and _project_of(config, config.invocation_params.dir) is None:
        msg = "--moduline: no project here (a folder with moduline.toml or main.py)"
        raise pytest.UsageError(msg)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Which project is tested."""
    if not config.getoption("--moduline"):
        return None
    folder = _project_of(config, config.invocation_params.dir)
    return f"moduline: {folder}"


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker of pytest-xdist has ended: take over what it saw."""
    hits = getattr(node, "workeroutput", {}).get(HITS)
    if hits is not None:
        node.config.stash.setdefault(_hits, []).append(hits)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """The coverage report; the data file is where pytest was started."""
    parts = config.stash.get(_hits, [])
    if not parts:
        return
    import io

    from moduline.testing.covered_lines import DATA_NAME, merged, write_report

    table = io.StringIO()
    write_report(merged(parts), config.invocation_params.dir / DATA_NAME, table)
    terminalreporter.section("coverage of the module's scripts")
    terminalreporter.write_line(table.getvalue().rstrip())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the modules of a failed test have printed and told."""
    report = yield
    del call
    if report.failed:
        for module in item.stash.get(_modules, []):
            report.sections.append((f"{module.model} {module.name}: console", module.output or "(nothing)"))
            told = "\n".join(f"{one.slug} {one.facts}" for one in module.notices)
            if told:
                report.sections.append((f"{module.model} {module.name}: notices", told))
    return report


@pytest.fixture(scope="session")
def moduline_bench(request: pytest.FixtureRequest) -> Iterator[TestBench]:
    """What all virtual modules of this session share."""
    from moduline.testing.bench import TestBench

    with TestBench(has_coverage=request.config.getoption("--moduline-coverage")) as bench:
        yield bench
        if bench.covered is not None:
            hits = bench.covered.hits()
            request.config.stash.setdefault(_hits, []).append(hits)
            if hasattr(request.config, "workeroutput"):
                request.config.workeroutput[HITS] = hits


@pytest.fixture
def module(request: pytest.FixtureRequest, moduline_bench: TestBench) -> Iterator[ModuleUnderTest]:
    """A fresh virtual module that holds the project's files; ``module.start()`` gives it power."""
    plans = _plans(request)
    opened = _opened(request, moduline_bench, dataclasses.replace(_wanted(request), plan=plans[0] if plans else None))
    yield opened
    moduline_bench.release(opened)


@pytest.fixture
def repl(module: ModuleUnderTest) -> Repl:
    """The raw prompt of ``module``, which has booted without running main.py unless the test has started it before."""
    if module.state == "off":
        module.start(runs_main=False)
    return module.repl


@pytest.fixture
def rack(request: pytest.FixtureRequest, moduline_bench: TestBench) -> Iterator[RackUnderTest]:
    """Several modules: those of the marker's ``scenario``, or as many as its ``count`` says (2 without either)."""
    from moduline.testing.rack_under_test import RackUnderTest

    wanted = _wanted(request)
    opened = RackUnderTest(lambda number: _opened(request, moduline_bench, dataclasses.replace(wanted, number=number)))
    plans = _plans(request)
    for plan in plans:
        opened.take(_opened(request, moduline_bench, dataclasses.replace(wanted, plan=plan)))
    if not plans:
        opened.add(_words_of(request).get("count", 2))
    yield opened
    for one in opened.values():
        moduline_bench.release(one)


@pytest.fixture
def power_cut(request: pytest.FixtureRequest, module: ModuleUnderTest, moduline_bench: TestBench) -> PowerCut:
    """Cuts the power of ``module``: at flash operation N, at every one of a block, at random moments."""
    from moduline.testing.power_cut import DEFAULT_SEED, PowerCut

    return PowerCut(module, moduline_bench.loop, _words_of(request).get("seed", DEFAULT_SEED))


def _opened(request: pytest.FixtureRequest, bench: TestBench, wanted: Wanted) -> ModuleUnderTest:
    opened = bench.open(wanted)
    request.node.stash.setdefault(_modules, []).append(opened)
    return opened


def _wanted(request: pytest.FixtureRequest) -> Wanted:
    """What the markers, the options and the place of the test say."""
    from moduline.testing.bench import UARTS, Wanted

    words = _words_of(request)
    project = words.get("project")
    folder = Path(request.path.parent, project) if project else _project_of(request.config, request.path.parent)
    package = words.get("package")
    return Wanted(
        module=words.get("module") or request.config.getoption("--moduline-module"),
        project=folder,
        replaced={
            name: text.encode() if isinstance(text, str) else text for name, text in words.get("files", {}).items()
        },
        package=Path(request.path.parent, package).read_bytes() if package else None,
        uarts=tuple(words.get("uarts", UARTS)),
    )


def _plans(request: pytest.FixtureRequest) -> tuple[ModulePlan, ...]:
    """The modules of the marker's scenario; the file's path counts from the test's folder."""
    named = _words_of(request).get("scenario")
    if not named:
        return ()
    from moduline.vmodule.scenario import read_scenario_file

    return read_scenario_file(Path(request.path.parent, named)).modules


def _words_of(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What all ``moduline`` markers of a test say; the nearest wins."""
    words: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers(MARKER))):
        words.update(marker.kwargs)
        unknown = set(marker.kwargs) - _WORDS
        if unknown or marker.args:
            pytest.fail(f"@pytest.mark.moduline takes {', '.join(sorted(_WORDS))} by name", pytrace=False)
    return words


def _project_of(config: pytest.Config, start: Path) -> Path | None:
    from moduline.testing.project import find_project

    named = config.getoption("--moduline-project")
    if named:
        return Path(config.invocation_params.dir, named).resolve()
    return find_project(start.resolve(), config.rootpath.resolve() if start.is_relative_to(config.rootpath) else None)
