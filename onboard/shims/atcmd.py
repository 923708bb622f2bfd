"""``atcmd``: AT commands from scripts; the same commands, answered by the same radio, as on the AT port.

Modelled: ``sendSync``. Its port begins with plain ``ERROR`` results. Not modelled: a time-out; answers come
at once.

Source: WIKI ``atcmd`` (results and sample answers).
"""

from boot.state import life as _life
from shims.given import text_of as _text_of

_ORDER = ("sendSync",)

_INVALID = 4
_LINE_LIMIT = 4096


def sendSync(command, answer, wanted, timeout):
    """0 and ``answer`` filled with the lines that hold ``wanted``; another number with the error."""
    line = _text_of(command)
    if not line.endswith("\r\n") or len(line.encode()) > _LINE_LIMIT or not isinstance(answer, bytearray):
        return _INVALID
    result, lines = _life.calls.ask_bytes("at_command", line.encode())[0]
    text = "".join(["\r\n%s\r\n" % one for one in lines if result or wanted in one])
    data = (text + "\n").encode() if text else b""
    for place in range(len(answer)):
        answer[place] = data[place] if place < len(data) else 0
    return result
