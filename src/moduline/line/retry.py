"""Which failures a slot tries again by itself, how often, after what pause; everything else waits for re-powering.

The budget of a cause belongs to one unit in one slot: re-powering the unit, or another unit, begins it anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from moduline.burn.record import BurnRecord
from moduline.errors import BadOption, Text

MOST_RETRIES: Final = 100


@dataclass(frozen=True, slots=True)
class Cause:
    """One row of the table.

    Args:
        name: slug, as in ``--retries NAME=N``.
        codes: error codes that belong to it.
        retries: how often it is tried again by itself.
        pause_s: before that, seconds.
        stops: whether the whole gang stops, because the next unit would fail likewise.
        text: what it is called.
    """

    name: str
    codes: tuple[str, ...]
    retries: int
    pause_s: float
    text: Text
    stops: bool = False


CAUSES: Final = (
    Cause("port", ("ML-E0601", "ML-E0301"), 2, 1.0, Text("the port was lost", "端口丢失")),
    Cause(
        "answer", ("ML-E0602", "ML-E0603", "ML-E0604"), 2, 1.0, Text("no answer, or a wrong one", "无应答或应答错误")
    ),
    Cause("busy", ("ML-E0501",), 2, 2.0, Text("another program holds the port", "端口被占用")),
    Cause("verify", ("ML-E0902",), 1, 1.0, Text("what was read back differs", "回读不一致")),
    Cause("write", ("ML-E0901",), 0, 1.0, Text("the module cannot write", "模组写入失败")),
    Cause("identity", ("ML-E0907", "ML-E0704"), 0, 1.0, Text("the IMEI is another, or lost", "IMEI 不符或丢失")),
    Cause("version", ("ML-E0702",), 0, 1.0, Text("another version than the package's", "版本与固件包不符")),
    Cause("check", ("ML-E1105",), 0, 1.0, Text("the functional test failed", "功能测试未通过")),
    Cause("model", ("ML-E0701",), 0, 1.0, Text("the package is for another module", "型号不符")),
    Cause(
        "storage", ("ML-E0102", "ML-E0103"), 0, 0.0, Text("records cannot be written", "无法写入产线记录"), stops=True
    ),
    Cause("refused", (), 0, 1.0, Text("refused for another reason", "因其他原因被拒绝")),
    Cause("other", (), 0, 1.0, Text("anything else", "其他")),
)
"""Retry by itself where another try costs nothing and often helps: a loose cable, a lost byte. Where the module or the
package is at fault, trying again wears flash and hides the fault."""

_BY_NAME: Final[Mapping[str, Cause]] = {cause.name: cause for cause in CAUSES}
_BY_CODE: Final[Mapping[str, Cause]] = {code: cause for cause in CAUSES for code in cause.codes}


def cause_of(record: BurnRecord) -> Cause:
    """Why a try did not pass."""
    known = _BY_CODE.get(record.error_code)
    return known or _BY_NAME["refused" if record.outcome == "REFUSED" else "other"]


def parse_retries(words: Iterable[str]) -> dict[str, int]:
    """What ``--retries CAUSE=N`` says, several joined by commas.

    Raises:
        BadOption: no such cause, or no number.
    """
    found: dict[str, int] = {}
    for word in ",".join(words).split(","):
        if word.strip():
            name, _, count = (part.strip() for part in word.partition("="))
            found |= checked_retries({name: int(count) if count.isascii() and count.isdecimal() else count})
    return found


def checked_retries(raw: Mapping[str, object]) -> dict[str, int]:
    """Retries by cause, if they are.

    Raises:
        BadOption: no such cause, or no number from 0 to 100.
    """
    for name, count in raw.items():
        if name not in _BY_NAME:
            reason = Text("no cause '{given}'; known: {known}", "没有原因“{given}”；可用：{known}")
            raise BadOption(name="--retries", reason=reason, given=name, known=", ".join(_BY_NAME))
        if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= MOST_RETRIES:
            reason = Text("{given}: 0 to {most} times", "{given}：应为 0 至 {most} 次")
            raise BadOption(name="--retries", reason=reason, given=name, most=MOST_RETRIES)
    return {name: int(str(count)) for name, count in raw.items()}


@dataclass(slots=True)
class Budget:
    """What is left for one unit in one slot.

    Args:
        retries: by cause, in place of the table's.
    """

    retries: Mapping[str, int] = field(default_factory=dict)
    _used: Counter[str] = field(default_factory=Counter)

    def left(self, cause: Cause) -> int:
        """How often the cause may still be tried again without anybody's help."""
        return max(0, self.retries.get(cause.name, cause.retries) - self._used[cause.name])

    def take(self, cause: Cause) -> bool:
        """Use one up; False when there is none left."""
        if not self.left(cause):
            return False
        self._used[cause.name] += 1
        return True

    def begin_anew(self) -> None:
        """Another unit, or the same one re-powered."""
        self._used.clear()
