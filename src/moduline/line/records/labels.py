r"""A label from a template: facts of a record are put where ``{name}`` stands; what they must not mean, they cannot.

What a template is, it shows itself: ZPL contains ``^XA``; SVG, XML and HTML begin with ``<``; anything else is plain
text.

* **ZPL**: in facts ``^`` and ``~`` would be commands. Data fields (``^FD``, ``^FV``) that hold a fact are sent with
  ``^FH``, in which the field's own and the fact's special characters are hexadecimal: ``^FH_^FDSN_5F1_5E^FS``. A field
  that has its own ``^FH`` keeps its sign. Outside of data fields a fact is reduced to letters, digits and ``.-``. QR
  codes are ZPL's own: ``^BQN,2,6^FDQA,{imei}^FS``. For texts beyond ASCII the template says ``^CI28`` (UTF-8).
* **SVG, XML, HTML**: facts are escaped; ``{qr}`` is an SVG picture of the template's ``qr`` text.
* **Plain text**: control characters of facts become blanks.

``{{`` and ``}}`` are braces. An unknown name is refused when the template is read, not when the first unit has passed.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from html import escape
from typing import Final, Literal

from moduline.burn import BurnRecord
from moduline.errors import BadOption, Text

Kind = Literal["zpl", "xml", "text", "svg", "png"]
SUFFIXES: Final[dict[Kind, str]] = {"zpl": ".zpl", "xml": ".svg", "text": ".txt", "svg": ".svg", "png": ".png"}
NAMES: Final = (
    "imei", "serial", "model", "version", "order", "operator", "station", "slot", "package", "sha256", "outcome", "id",
    "date", "time", "qr",
)  # fmt: skip
"""What a template may name. ``serial`` is the unit's own number, ``version`` what the module runs now."""
_PLACE: Final = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}")
_FIELD: Final = re.compile(
    r"(\^FH(?P<sign>[^\^~\s]?)\s*)?(?P<command>\^F[DV])(?P<data>.*?)(?=\^FS|\^XZ|\Z)", re.DOTALL | re.IGNORECASE
)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NOT_PLAIN: Final = re.compile(r"[^0-9A-Za-z.\-]")
_PIXELS_PER_MODULE: Final = 8


@dataclass(frozen=True, slots=True)
class LabelTemplate:
    """A template that has been read.

    Args:
        text: with ``{name}`` in it.
        kind: ``zpl``, ``xml`` or ``text``; ``svg`` and ``png`` are pictures of a QR code with the text in it.
        qr: text of the code that ``{qr}`` is; may itself name facts.
    """

    text: str
    kind: Kind
    qr: str = "{imei}"


def read_template(data: bytes, qr: str = "{imei}") -> LabelTemplate:
    """The template in a file.

    Args:
        data: the file; UTF-8.
        qr: text of the code that ``{qr}`` is.

    Raises:
        BadOption: no text, or it names what no record has.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        reason = Text("not a text in UTF-8 (offset {offset})", "不是 UTF-8 文本（偏移 {offset}）")
        raise BadOption(name="--template", reason=reason, offset=wrong.start) from wrong
    kind: Kind = "zpl" if "^XA" in text.upper() else "xml" if text.lstrip().startswith("<") else "text"
    _check_names(text + qr, allows_qr=kind == "xml")
    return LabelTemplate(text, kind, qr)


def qr_template(text: str, kind: Literal["svg", "png"] = "svg") -> LabelTemplate:
    """A label that is nothing but a QR code.

    Raises:
        BadOption: the text names what no record has.
    """
    _check_names(text, allows_qr=False)
    return LabelTemplate(text, kind)


def render(template: LabelTemplate, record: BurnRecord, zone: tzinfo | None = UTC) -> bytes:
    """The label of a unit, as a printer or a folder takes it.

    Raises:
        BadOption: the text of a QR code is longer than such a code can be.
    """
    facts = facts_of(record, zone)
    if template.kind in {"svg", "png"}:
        return _qr(_fill(template.text, facts, _spoken), template.kind)
    if template.kind == "zpl":
        return _fill(_FIELD.sub(lambda field: _zpl_field(field, facts), template.text), facts, _plain).encode()
    if template.kind == "xml":
        picture = _qr(_fill(template.qr, facts, _spoken), "inline").decode() if "{qr}" in template.text else ""
        words = {name: escape(_spoken(fact)) for name, fact in facts.items()}
        return _fill(template.text, words | {"qr": picture}, str).encode()
    return _fill(template.text, facts, _spoken).encode()


def facts_of(record: BurnRecord, zone: tzinfo | None = UTC) -> dict[str, str]:
    """What a template may name, without ``qr``; date and time are those of the end of the try."""
    moment = datetime.fromtimestamp(record.ended or record.started, UTC).astimezone(zone)
    own = {name: str(getattr(record, name)) for name in NAMES if hasattr(record, name)}
    return own | {
        "serial": record.unit,
        "version": record.version_after or record.package_version,
        "date": f"{moment:%Y-%m-%d}",
        "time": f"{moment:%H:%M:%S}",
    }


def _check_names(text: str, *, allows_qr: bool) -> None:
    known = [name for name in NAMES if allows_qr or name != "qr"]
    for found in _PLACE.finditer(text):
        if found[1] is not None and found[1] not in known:
            reason = Text("nothing is called {given}; known: {known}", "没有名为 {given} 的内容；可用：{known}")
            raise BadOption(name="--template", reason=reason, given=found[0], known=", ".join(known))


def _fill(text: str, facts: Mapping[str, str], say: Callable[[str], str]) -> str:
    return _PLACE.sub(lambda place: place[0][0] if place[1] is None else say(facts[place[1]]), text)


def _zpl_field(field: re.Match[str], facts: dict[str, str]) -> str:
    """A data field with its facts; braces that are text stay doubled, as the rest is filled in afterwards."""
    data = field["data"]
    if not any(place[1] for place in _PLACE.finditer(data)):
        return field[0]
    has_own = field[1] is not None
    sign = field["sign"] or "_"

    def coded(text: str) -> str:
        return re.sub(r"[\^~{}]|" + re.escape(sign), lambda one: f"{sign}{ord(one[0]):02X}", text)

    parts, last = [], 0
    for place in _PLACE.finditer(data):
        literal = data[last : place.start()]
        parts.append(literal if has_own else coded(literal))
        parts.append(place[0] if place[1] is None else coded(_spoken(facts[place[1]])))
        last = place.end()
    literal = data[last:]
    parts.append(literal if has_own else coded(literal))
    head = field[1] if has_own else f"^FH{sign}"
    return f"{head}{field['command']}{''.join(parts)}"


def _spoken(fact: str) -> str:
    """A fact on one line."""
    return _CONTROL.sub(" ", fact)


def _plain(fact: str) -> str:
    return _NOT_PLAIN.sub("", fact)


def _qr(text: str, kind: str) -> bytes:
    import segno  # loaded when a code is wanted

    try:
        code = segno.make_qr(text, error="m")
    except ValueError as wrong:
        reason = Text("{count} characters do not fit into a QR code", "{count} 个字符超出二维码容量")
        raise BadOption(name="--qr", reason=reason, count=len(text)) from wrong
    out = io.BytesIO()
    if kind == "png":
        code.save(out, kind="png", scale=_PIXELS_PER_MODULE)
    elif kind == "svg":
        code.save(out, kind="svg", scale=_PIXELS_PER_MODULE)
    else:
        code.save(out, kind="svg", xmldecl=False, svgns=True, nl=False, omitsize=True)
    return out.getvalue()
