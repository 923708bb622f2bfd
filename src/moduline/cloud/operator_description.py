"""What the operator API's description says of failures: the one frame, and the statuses that each call may have.

FastAPI describes a frame of its own for values it does not accept; here they are answered like everything else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI

from moduline.errors import (
    BadField,
    DatabaseUnreachable,
    MethodForbidden,
    NameTaken,
    NoSuchObject,
    RoleTooLow,
    TokenRefused,
    TooBig,
    TooManyTries,
)

_TEXT: Final = {"type": "string"}
FRAME: Final[dict[str, Any]] = {
    "title": "Failure",
    "description": "What failed, and what to do; texts are in the language of `Accept-Language` (en, zh).",
    "type": "object",
    "required": ["ok", "code", "message", "hint", "facts"],
    "properties": {
        "ok": {"const": False},
        "code": {**_TEXT, "description": "stable", "examples": [BadField.code]},
        "message": {**_TEXT, "description": "what failed and where"},
        "hint": {**_TEXT, "description": "what to do"},
        "facts": {"type": "object", "description": "the numbers and names of the message"},
    },
}
_SAID: Final = {
    TokenRefused: "No token, or none that is accepted.",
    RoleTooLow: "The role of the token is too low.",
    NoSuchObject: "Something named is not there, or belongs to somebody else.",
    MethodForbidden: "The address does not take this method; `Allow` lists those it takes.",
    NameTaken: "A rule or the state of things forbids it now.",
    TooBig: "The body is too large.",
    BadField: "A value is not accepted; `facts.field` names it.",
    TooManyTries: "Too many tries; `Retry-After` tells the seconds.",
    DatabaseUnreachable: "The server cannot answer now: its database, its store or its bus is away.",
}
_READS: Final = frozenset({"get", "head"})
_OWN_FRAMES: Final = ("HTTPValidationError", "ValidationError")


def describe_failures(app: FastAPI) -> None:
    """Have the description of an application tell of its failures.

    Args:
        app: with all its routes.
    """
    plain = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            _tell(plain())
        return plain()

    app.openapi = described  # type: ignore[method-assign]  # the way FastAPI's manual has it


def _tell(description: dict[str, Any]) -> None:
    schemas = description.setdefault("components", {}).setdefault("schemas", {})
    for name in _OWN_FRAMES:
        schemas.pop(name, None)
    schemas[str(FRAME["title"])] = FRAME
    for path, methods in description["paths"].items():
        for method, call in methods.items():
            answers = call["responses"]
            answers.pop(str(BadField.http_status), None)  # FastAPI's own
            for status, text in _failures(path, method, call):
                answers[status] = {"description": text} | answers.get(status, {}) | {"content": _content()}
            call["responses"] = dict(sorted(answers.items()))


def _failures(path: str, method: str, call: dict[str, Any]) -> Iterator[tuple[str, str]]:
    kinds = [BadField, MethodForbidden, DatabaseUnreachable]
    if path != "/health":
        kinds.append(NoSuchObject)
    if not call.get("x-public"):
        kinds.append(TokenRefused)
    if method not in _READS:
        kinds += [NameTaken, TooBig]
    if path.endswith(("/login", "/password", "/first-start")):
        kinds += [TokenRefused, TooManyTries]
    if call.get("x-permissions"):
        kinds.append(RoleTooLow)
    yield from ((str(kind.http_status), _SAID[kind]) for kind in kinds)
    yield "default", "Any other failure."


def _content() -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{FRAME['title']}"}}}
