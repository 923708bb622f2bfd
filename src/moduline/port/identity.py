"""Ask a real module for its IMEI, quickly and without an event loop; for addresses of the form ``imei:…``."""

from __future__ import annotations

import time

import serial

from moduline.wire.at import AtCommand, LineDecoder, encode_command, find_imei, is_final

ASK_LIMIT_S = 1.0


def ask_imei(path: str) -> str:
    """The IMEI that the module behind the AT port ``path`` tells; empty when it does not answer or the port is held."""
    try:
        with serial.Serial(path, exclusive=True, timeout=0.05, write_timeout=ASK_LIMIT_S) as port:
            port.write(encode_command(AtCommand("+GSN")))
            decoder, lines = LineDecoder(), []
            limit = time.monotonic() + ASK_LIMIT_S
            while time.monotonic() < limit:
                lines += decoder.feed(port.read(max(1, port.in_waiting)))
                if any(map(is_final, lines)):
                    break
    except (serial.SerialException, OSError, ValueError):
        return ""
    return find_imei(tuple(lines))
