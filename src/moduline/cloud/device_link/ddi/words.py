"""Bodies of the DDI, both ways, as values: JSON or CBOR in, the members of hawkBit's interface out. Pure.

Unknown members are ignored, old ones (``id``, ``time``) accepted; only what a decision needs is required. Members of
answers keep the order of hawkBit's, for clients with small parsers.

Source: hawkbit-ddi 1, 3.2 to 3.6, 7 (traps 7, 9).
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import cbor2

from moduline.cloud.device_link.http_answers import Refusal, as_json
from moduline.cloud.edge import clean_text

HAL: Final = "application/hal+json"
JSON: Final = "application/json"
CBOR: Final = "application/cbor"
EXECUTIONS: Final = frozenset(
    {"closed", "proceeding", "canceled", "scheduled", "rejected", "resumed", "download", "downloaded"}
)
RESULTS: Final = frozenset({"success", "failure", "none"})
MOST_DETAILS: Final = 50
DETAIL_LIMIT: Final = 512
MOST_ATTRIBUTES: Final = 100
KEY_LIMIT: Final = 128
VALUE_LIMIT: Final = 1024
_DEPTH: Final = 16


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a device says of an action.

    Args:
        execution: one of ``EXECUTIONS``.
        finished: one of ``RESULTS``.
        details: its words, cut.
        digest: the same for the same feedback, whatever its time.
    """

    execution: str
    finished: str
    details: tuple[str, ...]
    digest: str

    @property
    def is_final(self) -> bool:
        """Whether the action is over with it."""
        return self.execution in {"closed", "canceled"}


@dataclass(frozen=True, slots=True)
class Config:
    """Attributes of a device.

    Args:
        mode: ``merge``, ``replace`` or ``remove``.
        data: name -> value.
    """

    mode: str
    data: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Consent:
    """What the user said on the device.

    Args:
        is_given: whether the upgrade may begin.
        details: words.
    """

    is_given: bool
    details: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ArtifactFile:
    """A file as a client sees it.

    Args:
        name: of the file.
        sha1: hex.
        md5: hex.
        sha256: hex.
        bytes: size.
    """

    name: str
    sha1: str
    md5: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """One component of an action.

    Args:
        part: ``os`` for the module, else the component.
        version: target.
        name: of the artifact.
        module_id: what the address of its files has.
        files: of it.
    """

    part: str
    version: str
    name: str
    module_id: int
    files: tuple[ArtifactFile, ...]


def read_body(raw: bytes, content_type: str) -> Mapping[str, Any]:
    """The object in the body of a request.

    Raises:
        Refusal: 415 for another type, 400 for what is no object.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in {JSON, HAL, CBOR, ""}:
        raise Refusal(415, "media-type", "JSON or CBOR")
    found = _from_cbor(raw) if kind == CBOR else _from_json(raw)
    if not isinstance(found, Mapping):
        raise Refusal(400, "body", "not an object")
    return found


def _from_json(raw: bytes) -> Any:
    try:
        return json.loads(raw.decode("utf-8"), parse_constant=_no_number, strict=False)  # log lines of SWUpdate
    except (ValueError, RecursionError) as wrong:
        raise Refusal(400, "body", "not JSON") from wrong


def _no_number(name: str) -> Any:
    raise ValueError(name)


def _from_cbor(raw: bytes) -> Any:
    source = io.BytesIO(raw)
    try:
        found = cbor2.load(source)
    except (cbor2.CBORDecodeError, ValueError, TypeError, RecursionError, OverflowError, MemoryError) as wrong:
        raise Refusal(400, "body", "not CBOR") from wrong
    if source.tell() != len(raw) and source.read(1):
        raise Refusal(400, "body", "more than one CBOR item")
    return found


def feedback_of(body: Mapping[str, Any]) -> Feedback:
    """What a feedback says.

    Raises:
        Refusal: a required member is missing or unknown.
    """
    status = _object(body.get("status"), "status")
    result = _object(status.get("result"), "status.result")
    execution = _word(status.get("execution"), EXECUTIONS, "status.execution")
    finished = _word(result.get("finished"), RESULTS, "status.result.finished")
    details = _details(status.get("details"))
    digest = hashlib.sha256("\0".join((execution, finished, *details)).encode("utf-8", "backslashreplace")).hexdigest()
    return Feedback(execution, finished, details, digest)


def config_of(body: Mapping[str, Any]) -> Config:
    """What configData says.

    Raises:
        Refusal: 400 for a wrong shape, 403 for too many attributes.
    """
    mode = body.get("mode")
    mode = "merge" if mode is None else _word(mode, frozenset({"merge", "replace", "remove"}), "mode")
    data = _object(body.get("data"), "data")
    if len(data) > MOST_ATTRIBUTES:
        raise Refusal(403, "quota", "too many attributes")
    found = {}
    for name, value in data.items():
        if not isinstance(name, str) or not 0 < len(name) <= KEY_LIMIT:
            raise Refusal(400, "data", "names of attributes are texts of 1 to 128 characters")
        if value is None and mode == "remove":
            value = ""  # noqa: PLW2901  the value is not looked at
        text = _text(value)
        if text is None or len(text) > VALUE_LIMIT:
            raise Refusal(400, "data", "values of attributes are texts of up to 1024 characters")
        found[clean_text(name, KEY_LIMIT)] = clean_text(text, VALUE_LIMIT)
    return Config(mode, found)


def _text(value: Any) -> str | None:
    """A value as a text; numbers and truth values as JSON writes them; None: it is none of these."""
    if isinstance(value, bool):
        return str(value).lower()
    try:
        return str(value) if isinstance(value, str | int | float) else None
    except ValueError:  # a CBOR number of thousands of digits
        return None


def consent_of(body: Mapping[str, Any]) -> Consent:
    """What a confirmation says.

    Raises:
        Refusal: it says neither.
    """
    said = _word(body.get("confirmation"), frozenset({"confirmed", "denied"}), "confirmation")
    return Consent(said == "confirmed", _details(body.get("details")))


def _object(found: Any, name: str) -> Mapping[Any, Any]:
    if not isinstance(found, Mapping):
        raise Refusal(400, "body", f"{name} is missing")
    return found


def _word(found: Any, known: frozenset[str], name: str) -> str:
    if not isinstance(found, str) or found.lower() not in known:
        raise Refusal(400, "body", f"{name} is none of: {', '.join(sorted(known))}")
    return found.lower()


def _details(found: Any) -> tuple[str, ...]:
    if isinstance(found, str):
        found = [found]
    if not isinstance(found, list | tuple):
        return ()
    texts = (_text(one) for one in found[:MOST_DETAILS])
    return tuple(clean_text(one, DETAIL_LIMIT) for one in texts if one)


def written(value: Any, accept: str) -> tuple[bytes, str]:
    """A body and its type, as the client takes it: HAL unless it asks only for another."""
    asked = accept.lower()
    if CBOR in asked and "json" not in asked and "*/*" not in asked:
        return cbor2.dumps(value), CBOR
    if HAL in asked or "*/*" in asked or JSON not in asked:
        return as_json(value), HAL
    return as_json(value), JSON


def mark(value: Any) -> str:
    """An ETag: the same for the same content, in whatever type it is sent."""
    return f'"{hashlib.blake2b(as_json(value), digest_size=8).hexdigest()}"'


def artifact(file: ArtifactFile, href: str) -> dict[str, Any]:
    """A file of a chunk; both pairs of links, for builds without TLS refuse an offer without ``download-http``."""
    sums = f"{href}.MD5SUM"
    return {
        "filename": file.name,
        "hashes": {"sha1": file.sha1, "md5": file.md5, "sha256": file.sha256},
        "size": file.bytes,
        "_links": {
            "download": {"href": href},
            "md5sum": {"href": sums},
            "download-http": {"href": href},
            "md5sum-http": {"href": sums},
        },
    }


def sleep_text(seconds: float) -> str:
    """``HH:MM:SS``; SWUpdate reads exactly that."""
    whole = min(max(int(seconds), 1), 24 * 3600 - 1)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"
