"""The recorded sessions of the vendor's client beside this file: one line per message.

PK, PS, DK and DS are what the recording harness used.
"""

import json
from dataclasses import dataclass
from pathlib import Path

PK = "p000aa"
PS = "0123456789abcdef"
DK = "860000000000001"
DS = "00112233445566778899aabbccddeeff"
SESSION_KEY = bytes(range(16))
CLIENT_ID = "qdp000aa860000000000001"


@dataclass(frozen=True)
class Line:
    scenario: str
    t: float
    dir: str
    mqtt: str = ""
    topic: str = ""
    qos: int = 0
    hex: str = ""
    code: int = 0
    http: str = ""

    @property
    def data(self) -> bytes:
        return bytes.fromhex(self.hex)


def lines() -> list[Line]:
    path = Path(__file__).with_name("recordings.jsonl")
    return [Line(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def scenarios() -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = {}
    for line in lines():
        found.setdefault(line.scenario, []).append(line)
    return found
