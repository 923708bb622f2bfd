"""``version``, ``explain CODE``."""

from __future__ import annotations

from typing import Annotated

import typer

import moduline
from moduline.cli.language import current, say
from moduline.cli.output import JsonFlag, print_facts
from moduline.errors import BadOption, leaves


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the tree."""

    @app.command(help=say("Print the version. Example: moduline version", "显示版本。示例：moduline version"))
    def version(as_json: JsonFlag = False) -> None:
        print_facts({"version": moduline.__version__}, as_json=as_json)

    @app.command(
        help=say(
            "What an error code means and what to do. Example: moduline explain ML-E0801",
            "解释错误码及处理方法。示例：moduline explain ML-E0801",
        )
    )
    def explain(code: Annotated[str, typer.Argument(metavar="CODE")], as_json: JsonFlag = False) -> None:
        for leaf in leaves():
            if leaf.code == code.upper() or leaf.slug == code:
                lang = current()
                print_facts(
                    {
                        "code": leaf.code,
                        "slug": leaf.slug,
                        "exit_code": leaf.exit_code,
                        "message": leaf.text.zh if lang == "zh" else leaf.text.en,
                        "hint": leaf.hint.zh if lang == "zh" else leaf.hint.en,
                        "meaning": (leaf.__doc__ or "").strip().splitlines()[0],
                    },
                    as_json=as_json,
                )
                return
        raise BadOption(name="CODE", reason=say("'{code}' is not an error code", "“{code}” 不是错误码", code=code))
