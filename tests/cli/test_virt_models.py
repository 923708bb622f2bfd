"""``moduline virt models``, and modules brought up by every kind of name."""

from __future__ import annotations

import asyncio
import json
import sys

import pytest

from moduline.cli.main import run
from moduline.errors import ScriptRaised
from moduline.remote import reach
from moduline.vmodule import rack_wire


@pytest.fixture
def virt(capsys):
    """Types ``moduline virt ...``; gives what was printed; takes the rack down at the end."""

    def type_(*words, code=0):
        assert run(["virt", *words]) == code
        return capsys.readouterr()

    yield type_
    if rack_wire.read_control("default") is not None:
        run(["virt", "down"])


def test_models_when_typed_then_every_module_with_its_differences(virt):
    known = {one["module"]: one for one in json.loads(virt("models", "--json").out)["modules"]}
    assert len(known) >= 17
    old, new = known["ec600s"], known["ec800e"]
    assert (old["platform"], old["fs"], old["user_bytes"], old["backup_bytes"]) == ("asr", "lfs1", 5242880, 204800)
    assert (old["quirks"]["ctrl_c_stops_main"], old["quirks"]["is_fota_blocking"]) == (False, False)
    assert old["usb"] == {"running": "2c7c:6001", "download": "2ecc:3017"}
    assert (new["fs"], new["enters_by_at"], new["download_port"]) == ("lfs2", False, "Quectel QDLoader Port")
    assert "ec600s-2020" in old["aliases"]


@pytest.mark.parametrize(
    ("lang", "words"), [("en", ("pin only", "stops main.py")), ("zh", ("仅引脚", "可中断 main.py"))]
)
def test_models_when_shown_to_people_then_in_their_language(virt, capsys, lang, words):
    assert run(["--lang", lang, "virt", "models"]) == 0
    shown = capsys.readouterr().out
    assert all(word in shown for word in words)
    assert all(slug in shown for slug in ("ec100y", "eg810m", "ec600s-cnlb"))


def test_up_when_module_is_named_by_its_model_then_found_and_strange_names_are_not(virt):
    up = json.loads(virt("up", "--module", "EC600S-CN_LB", "--blank", "--json").out)["modules"]
    assert [(one["module"], one["state"]) for one in up] == [("ec600s-cnlb", "download")]
    virt("up", "--module", "EC999X", code=2)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the interpreter's sandbox needs Linux")
def test_up_when_language_is_strict_then_newer_syntax_is_refused(virt):
    up = json.loads(virt("up", "--module", "ec800m", "--strict-language", "--json").out)["modules"]
    assert up[0]["version"].startswith("EC800MCNLC")

    async def story():
        async with await reach.open_repl("virt:m1") as repl:
            assert await repl.exec("print('%d' % 7)") == b"7\r\n"
            with pytest.raises(ScriptRaised) as raised:
                await repl.exec("print(f'{7}')")
            return raised.value.facts["last_line"]

    assert asyncio.run(story()) == "SyntaxError: invalid syntax"
    virt("up", "--scenario", "rack.toml", "--strict-language", code=2)
