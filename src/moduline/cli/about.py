"""``version``, ``explain``."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

import moduline
from moduline.cli.language import current, say
from moduline.cli.output import JsonFlag, out, print_facts, print_json, print_table
from moduline.errors import BadOption, ModulineError, Text, leaves
from moduline.errors.pages import EXITS, PAGES, Page

FAULT_CODE = "ML-E0100"


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the tree."""

    @app.command(help=say("Print the version. Example: moduline version", "显示版本。示例：moduline version"))
    def version(as_json: JsonFlag = False) -> None:
        print_facts({"version": moduline.__version__}, as_json=as_json)

    @app.command(
        help=say(
            'What an error code, an error\'s name or an exit code means: cause, remedy, example. "all" lists '
            "them. Example: moduline explain ML-E0908",
            "解释错误码、错误名称或退出码：原因、处理方法与示例；all 列出全部。示例：moduline explain ML-E0908",
        )
    )
    def explain(
        code: Annotated[
            str,
            typer.Argument(
                metavar="CODE", help=say("ML-E0908, burn.nv-damaged or 9", "ML-E0908、burn.nv-damaged 或 9")
            ),
        ],
        as_json: JsonFlag = False,
    ) -> None:
        if code == "all":
            _list_all(as_json=as_json)
        elif code.isascii() and code.isdecimal() and int(code) in EXITS:
            _explain_exit(int(code), as_json=as_json)
        elif code.upper() == FAULT_CODE:
            _explain_exit(1, as_json=as_json)
        else:
            _explain_error(_find(code), as_json=as_json)


def _find(code: str) -> type[ModulineError]:
    """The error of that code or name.

    Raises:
        BadOption: there is none.
    """
    wanted = code.upper() if code.upper().startswith("ML-E") else f"ML-E{code.upper().removeprefix('E')}"
    for leaf in leaves():
        if leaf.code == wanted or leaf.slug == code.lower():
            return leaf
    reason = Text("'{code}' is no error code, name or exit code", "“{code}” 不是错误码、错误名称或退出码")
    raise BadOption(name="CODE", reason=reason, code=code)


def page_of(leaf: type[ModulineError]) -> dict[str, Any]:
    """The page of one error in the language of this process."""
    lang = current()
    page: Page | None = PAGES.get(leaf.slug)
    remedy = page.remedy if page is not None and page.remedy is not None else leaf.hint
    return {
        "code": leaf.code,
        "slug": leaf.slug,
        "exit_code": leaf.exit_code,
        "message": _template(leaf.text, lang),
        "cause": page.cause.say(lang) if page else "",
        "hint": remedy.say(lang),
        "example": page.example.say(lang) if page else "",
        "meaning": (leaf.__doc__ or "").strip().splitlines()[0],
    }


def _explain_error(leaf: type[ModulineError], *, as_json: bool) -> None:
    facts = page_of(leaf)
    if as_json:
        print_json({"ok": True, **facts})
        return
    meaning = EXITS[leaf.exit_code].say(current())
    rows = {
        say("code", "错误码"): f"{leaf.code}  {leaf.slug}",
        say("says", "提示"): facts["message"],
        say("cause", "原因"): facts["cause"],
        say("remedy", "处理"): facts["hint"],
        say("example", "示例"): facts["example"],
        say("exit code", "退出码"): f"{leaf.exit_code}  {meaning}",
    }
    _print_page(rows)


def _explain_exit(number: int, *, as_json: bool) -> None:
    lang = current()
    errors = [leaf for leaf in leaves() if leaf.exit_code == number]
    if as_json:
        rows = [{"code": leaf.code, "slug": leaf.slug, "message": _template(leaf.text, lang)} for leaf in errors]
        print_json({"ok": True, "exit_code": number, "meaning": EXITS[number].say(lang), "errors": rows})
        return
    _print_page({say("exit code", "退出码"): f"{number}  {EXITS[number].say(lang)}"})
    if number == 1:
        cure = say(
            "{code}: run it again with -vv and report what it prints",
            "{code}：请加 -vv 重新运行并反馈输出",
            code=FAULT_CODE,
        )
        out().print(cure, markup=False)
    if errors:
        headings = [say("code", "错误码"), say("name", "名称"), say("says", "提示")]
        print_table(headings, [(leaf.code, leaf.slug, _plain(_template(leaf.text, lang))) for leaf in errors])


def _list_all(*, as_json: bool) -> None:
    every = sorted(leaves(), key=lambda leaf: leaf.code)
    if as_json:
        exits = {str(number): text.say(current()) for number, text in EXITS.items()}
        print_json({"ok": True, "errors": [page_of(leaf) for leaf in every], "exit_codes": exits})
        return
    headings = [say("code", "错误码"), say("name", "名称"), say("exit", "退出码"), say("says", "提示")]
    print_table(
        headings, [(one.code, one.slug, one.exit_code, _plain(_template(one.text, current()))) for one in every]
    )


def _print_page(rows: dict[str, str]) -> None:
    for name, value in rows.items():
        out().print(f"[bold]{name}[/bold]")
        out().print(f"  {_plain(value)}")


def _template(text: Text, lang: str) -> str:
    """The text with the names of its facts in angle brackets."""
    return re.sub(r"{(\w+)[^}]*}", r"<\1>", text.en if lang == "en" else text.zh)


def _plain(text: str) -> str:
    """The text with its brackets shown as they are."""
    return text.replace("[", r"\[")
