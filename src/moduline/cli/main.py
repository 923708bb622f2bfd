"""The command tree, and the one place where an error becomes an exit code.

Every noun file offers ``register(app)``; nothing else is imported from it. ``--lang``, ``--record``, ``-q`` and ``-v``
may stand anywhere before ``--`` and are taken off here, because the language must be known before help texts are built.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from pathlib import Path
from typing import Any

import typer
import typer.exceptions

import moduline
from moduline.cli import language, output
from moduline.cli.complaints import both
from moduline.cli.language import say
from moduline.errors import BadOption, ModulineError, Text
from moduline.port import recording

NOUNS = {
    "about": ("version", "explain"),
    "doctor": ("doctor",),
    "ladder": ("ladder",),
    "remote": ("info", "at", "repl", "exec", "stop", "rescue"),
    "run": ("run",),
    "remote_files": ("ls", "cat", "cp", "rm", "mkdir", "sync"),
    "package": ("pack",),
    "pacmerge": ("pacmerge",),
    "image": ("mklfs", "image"),
    "burn": ("burn",),
    "nv": ("nv",),
    "gang": ("gang",),
    "delta": ("adiff", "delta"),
    "key": ("key", "sign", "verify"),
    "port": ("port",),
    "virt": ("virt",),
    "firmware": ("firmware",),
    "project": ("check", "new"),
    "run_tests": ("test",),
    "ota": ("ota",),
    "fleet": ("fleet",),
    "demo": ("demo",),
    "studio": ("studio",),
}
"""Files of this folder in the order of the help page, and the commands that each adds."""


def build_app(command: str = "") -> typer.Typer:
    """The command tree in the language of this process.

    Args:
        command: the one that will run: the files of others are not loaded, which is most of a start. Any other word
            gives the whole tree.
    """
    app = typer.Typer(
        name="moduline",
        help=say(
            "Open tool chain and virtual modules for QuecPython. Anywhere: --lang zh|en|auto, -q, -v, -vv, "
            "--record FILE (ports).",
            "QuecPython 的开放工具链与虚拟模组。任意位置可用：--lang zh|en|auto、-q、-v、-vv、"
            "--record 文件（记录端口字节）。",
        ),
        no_args_is_help=True,
        add_completion=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    wanted = {noun for noun, commands in NOUNS.items() if command in commands}
    for noun in [one for one in NOUNS if not wanted or one in wanted | {"about"}]:  # a tree of one would have no name
        importlib.import_module(f"moduline.cli.{noun}").register(app)
    return app


def run(argv: list[str]) -> int:
    """Run one command line; gives the exit code of docs/reference/errors.md."""
    wants_json = "--json" in argv or "--jsonl" in argv
    try:
        argv = _take_global_options(argv)
        if argv[:1] == ["--version"]:  # what hands type out of habit
            argv[0] = "version"
        app = build_app(argv[0] if argv else "")
        result = app(args=argv, prog_name="moduline", standalone_mode=False)
        return int(result) if isinstance(result, int) else 0
    except ModulineError as failure:
        return _report(failure, wants_json=wants_json)
    except typer.Exit as leave:
        return leave.exit_code
    except (typer.Abort, KeyboardInterrupt):
        sys.stderr.write("\n")
        return 130
    except typer.exceptions.TyperException as wrong:
        if type(wrong).__name__ == "NoArgsIsHelpError":  # not public; its text is the help page, not a complaint
            sys.stderr.write(f"{wrong}\n")
            return 2
        return _report(
            BadOption(name=Text("command line", "命令行"), reason=both(_sentence(wrong))), wants_json=wants_json
        )
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception:  # noqa: BLE001  the last line of defence: a bug is reported, never shown as a traceback
        return _report_bug(wants_json=wants_json)
    finally:
        recording.end_session()


def _sentence(wrong: Exception) -> str:
    """The complaint with the name of the option in it, where the library offers that."""
    compose = getattr(wrong, "format_message", None)
    return str(compose() if compose is not None else wrong)


def _take_global_options(argv: list[str]) -> list[str]:
    rest: list[str] = []
    wanted = "auto"
    output.verbosity = 0  # a line before this one, in the same process, may have been quiet
    words = iter(argv)
    for word in words:
        if word == "--":
            rest += [word, *words]
        elif word == "--lang":
            wanted = next(words, "")
        elif word.startswith("--lang="):
            wanted = word.removeprefix("--lang=")
        elif word == "--record":
            _record_into(next(words, ""), argv)
        elif word.startswith("--record="):
            _record_into(word.removeprefix("--record="), argv)
        elif word in {"-q", "--quiet"}:
            output.verbosity = -1
        elif word in {"-v", "--verbose"}:
            output.verbosity = max(output.verbosity, 1)
        elif word == "-vv":
            output.verbosity = 2
        else:
            rest.append(word)
    language.choose(wanted)
    return rest


def _record_into(path: str, argv: list[str]) -> None:
    """Record every port that this command opens.

    Raises:
        BadOption: no file is named.
        StorageFailed: it cannot be written.
    """
    if not path or path.startswith("-"):
        raise BadOption(name="--record", reason=Text("it needs a FILE", "需要指定文件"))
    recording.begin_session(Path(path), " ".join(argv))


def failure_as_json(failure: ModulineError, lang: str) -> dict[str, Any]:
    """The failure object of ``--json``."""
    return {
        "ok": False,
        "code": failure.code,
        "message": failure.message(lang),
        "hint": failure.remedy(lang),
        "facts": failure.facts,
    }


def _report(failure: ModulineError, *, wants_json: bool) -> int:
    lang = language.current()
    if wants_json:
        output.print_json(failure_as_json(failure, lang))
    else:
        sys.stderr.write(f"{say('error', '错误')} {failure.code}: {failure.message(lang)}\n")
        sys.stderr.write(f"  {say('try', '建议')}: {failure.remedy(lang)}\n")
    if output.verbosity >= 2:
        traceback.print_exc()
    return failure.exit_code


def _report_bug(*, wants_json: bool) -> int:
    kind, value, _ = sys.exc_info()
    name = kind.__name__ if kind else "?"
    if wants_json:
        output.print_json({"ok": False, "code": "ML-E0100", "message": f"{name}: {value}", "hint": "", "facts": {}})
    else:
        sys.stderr.write(
            say(
                "fault in Moduline {version}: {name}: {value}\n  run again with -vv and report what it prints\n",
                "Moduline {version} 内部故障：{name}: {value}\n  请加 -vv 重新运行并反馈输出\n",
                version=moduline.__version__,
                name=name,
                value=value,
            )
        )
    if output.verbosity >= 2:
        traceback.print_exc()
    return 1
