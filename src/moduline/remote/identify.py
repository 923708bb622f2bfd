"""Who a module is: model, IMEI, firmware version, over AT (which disturbs nothing) or over the REPL.

Source: 3GPP TS 27.007 (AT+CGMM, AT+CGSN, AT+CGMR, ATI); device-api 9.1 (``modem``), 5.2 (``uos.uname``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from moduline.errors import BadAnswer, Text
from moduline.remote import snippets
from moduline.remote.at_session import AtSession
from moduline.remote.repl_session import SILENCE_S, ReplSession
from moduline.wire.at import find_imei

_REVISION: Final = re.compile(r"Revision:\s*(\S+)")


@dataclass(frozen=True, slots=True)
class Identity:
    """What a module says about itself; empty where it does not say."""

    model: str  # such as EC600U
    imei: str  # 15 digits
    version: str  # of the firmware
    serial: str
    via: str  # "at" or "repl"
    port: str


async def identify_by_at(session: AtSession) -> Identity:
    """Ask on the AT port; a command the module does not know leaves its field empty.

    Raises:
        NoAnswer, PortGone: the port is silent.
    """
    model = await _first_line(session, "AT+CGMM")
    imei = find_imei((await session.ask("AT+GSN")).lines) or find_imei((await session.ask("AT+CGSN")).lines)
    version = await _first_line(session, "AT+CGMR")
    if not (model and version):
        lines = (await session.ask("ATI")).lines
        revision = _REVISION.search("\n".join(lines))
        version = version or (revision.group(1) if revision else "")
        model = model or next((line for line in lines if re.fullmatch(r"[A-Z]{2}\w{3,}(-\w+)*", line)), "")
    return Identity(
        model=model,
        imei=imei,
        version=version.removeprefix("Revision:").strip(),
        serial="",
        via="at",
        port=session.name,
    )


async def identify_by_repl(repl: ReplSession) -> Identity:
    """Ask ``modem``, and ``uos.uname`` where there is none.

    Raises:
        BadAnswer: what came back is no text.
        ScriptRaised, NoAnswer, PortGone: as ReplSession.exec.
    """
    facts: dict[str, str] = {}
    for frame in snippets.frames(await repl.exec(snippets.call(snippets.IDENTIFY), silence_s=SILENCE_S)):
        name, _, digits = frame.partition(" ")
        try:
            facts[name] = bytes.fromhex(digits).decode()
        except ValueError as error:  # UnicodeDecodeError is one too
            raise BadAnswer(what=Text(f"the question for {name}", f"查询 {name}"), answer=digits[:80]) from error
    return Identity(
        model=facts.get("Model") or facts.get("uname.nodename", ""),
        imei=facts.get("Imei", ""),
        version=facts.get("FwVersion") or facts.get("uname.release", ""),
        serial=facts.get("SN", ""),
        via="repl",
        port=repl.name,
    )


async def _first_line(session: AtSession, command: str) -> str:
    answer = await session.ask(command)
    return answer.lines[0] if answer.is_ok and answer.lines else ""
