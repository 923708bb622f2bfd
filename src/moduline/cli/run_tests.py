"""``test``: the user's own tests on virtual modules, by pytest with the plugin of ``moduline.testing``."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from moduline.cli.language import say
from moduline.cli.output import JsonFlag, print_json
from moduline.errors import BadFormat, BadOption, NoSuchFile, StorageFailed, TestsFailed, Text

ENDING_LIMIT_S: Final = 30.0
_FAILED, _INTERRUPTED, _INTERNAL, _USAGE, _NONE = 1, 2, 3, 4, 5


@dataclass(frozen=True, slots=True)
class Totals:
    """What a report says."""

    total: int = 0
    failed: int = 0  # errors included
    skipped: int = 0
    seconds: float = 0.0


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the tree."""

    @app.command(
        "test",
        help=say(
            "Run the tests of a project on virtual modules; what follows -- goes to pytest. "
            "Example: moduline test my_project --junit report.xml --coverage · moduline test . -k counter -- -x",
            "在虚拟模组上运行工程的测试；“--” 之后的内容传给 pytest。"
            "示例：moduline test my_project --junit report.xml --coverage · moduline test . -k counter -- -x",
        ),
    )
    def test_project(
        folder: Annotated[Path, typer.Argument(metavar="DIR", help=say("project folder", "工程目录"))] = Path(),
        more: Annotated[
            list[str] | None, typer.Argument(metavar="[-- WORDS...]", help=say("for pytest", "传给 pytest"))
        ] = None,
        junit: Annotated[
            Path | None, typer.Option("--junit", metavar="FILE", help=say("write a JUnit report", "写出 JUnit 报告"))
        ] = None,
        k: Annotated[
            str, typer.Option("-k", metavar="WORDS", help=say("only tests whose names fit", "仅运行名称匹配的测试"))
        ] = "",
        module: Annotated[
            str, typer.Option("--module", metavar="M", help=say("model; default: the project's", "型号，默认取自工程"))
        ] = "",
        coverage: Annotated[
            bool,
            typer.Option(
                "--coverage",
                help=say(
                    "which lines of the scripts ran; writes .coverage in DIR", "统计脚本行覆盖率，在 DIR 写入 .coverage"
                ),
            ),
        ] = False,
        as_json: JsonFlag = False,
    ) -> None:
        if not folder.is_dir():
            raise NoSuchFile(path=str(folder), reason=Text("no such folder", "目录不存在"))
        with tempfile.TemporaryDirectory(prefix="moduline-report-") as spare:
            report = junit.absolute() if junit is not None else Path(spare) / "report.xml"
            words = _words(folder, report, k, module, coverage=coverage)
            code = _run([*words, *_places(folder, more or [])], folder, as_json=as_json)
            totals = read_totals(report) if report.is_file() else Totals()
        _judge(code, totals)
        if as_json:
            facts: dict[str, Any] = {"total": totals.total, "failed": 0, "skipped": totals.skipped}
            print_json({"ok": True, **facts, "seconds": totals.seconds, "junit": str(junit) if junit else None})


def read_totals(report: Path) -> Totals:
    """The numbers in a JUnit report.

    Raises:
        StorageFailed: it cannot be read.
        BadFormat: it is none.
    """
    try:
        root = ET.fromstring(report.read_bytes())  # noqa: S314  written by pytest a moment ago
        suites = [root] if root.tag == "testsuite" else root.findall("testsuite")
        numbers = {
            name: sum(int(one.get(name, "0")) for one in suites) for name in ("tests", "failures", "errors", "skipped")
        }
        seconds = sum(float(one.get("time", "0")) for one in suites)
    except OSError as wrong:
        raise StorageFailed(path=str(report), reason=wrong.strerror or str(wrong)) from wrong
    except (ET.ParseError, ValueError) as wrong:
        raise BadFormat(format="JUnit", offset=0, reason=str(wrong)) from wrong
    return Totals(numbers["tests"], numbers["failures"] + numbers["errors"], numbers["skipped"], round(seconds, 3))


def _words(folder: Path, report: Path, k: str, module: str, *, coverage: bool) -> list[str]:
    words = [sys.executable, "-m", "pytest", "--moduline", "--rootdir", ".", f"--junit-xml={report}"]
    if k:
        words += ["-k", k]
    if module:
        words.append(f"--moduline-module={module}")
    if coverage:
        words.append("--moduline-coverage")
    return words


def _places(folder: Path, more: list[str]) -> list[str]:
    """What the user said for pytest, with the folder of the tests in front unless files are named."""
    if any((folder / word.partition("::")[0]).exists() for word in more if not word.startswith("-")):
        return more
    return [next((name for name in ("tests", "test") if (folder / name).is_dir()), "."), *more]


def _run(words: list[str], folder: Path, *, as_json: bool) -> int:
    """Exit code of pytest; Ctrl-C reaches it as well, and it is given time to clean up."""
    process = subprocess.Popen(words, cwd=folder, stdout=sys.stderr if as_json else None)
    try:
        return process.wait()
    except KeyboardInterrupt:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(ENDING_LIMIT_S)
        raise
    finally:
        if process.poll() is None:
            process.kill()


def _judge(code: int, totals: Totals) -> None:
    if code == 0:
        return
    if code == _NONE:
        raise BadOption(name="DIR", reason=Text("no tests were found", "未找到测试"))
    if code == _USAGE:
        raise BadOption(name="pytest", reason=Text("see above", "见上文"))
    if code == _INTERRUPTED and not totals.failed:
        raise KeyboardInterrupt
    if code == _INTERNAL:
        raise StorageFailed(path="pytest", reason=Text("internal error, see above", "内部错误，见上文"))
    raise TestsFailed(failed=totals.failed or "?", total=totals.total or "?")
