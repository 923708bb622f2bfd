"""What operators send as JSON: a base of all bodies of the operator API.

A member that nobody knows is refused, and so is a value of another JSON type than the description says. Pydantic alone
would take ``false`` and ``"0"`` for the number 0, and ``1`` for true.
"""

from __future__ import annotations

import types
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError


class Given(BaseModel):
    """A body, or a part of one."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _is_of_its_type(cls, value: Any, info: ValidationInfo) -> Any:
        field = cls.model_fields[info.field_name or ""]
        wrong = _unfit(value, field.annotation)
        if wrong:
            raise PydanticCustomError("json_type", "a {kind} is expected", {"kind": wrong})
        return value


def _unfit(value: Any, wanted: Any) -> str:
    """Which JSON type is expected of a value, or a part of it, and is not there; "": it may be fine."""
    origin, inside = get_origin(wanted), get_args(wanted)
    if origin in {Union, types.UnionType}:
        found = [_unfit(value, one) for one in inside]
        return "" if "" in found else found[0]
    if wanted is bool:
        return "" if isinstance(value, bool) else "boolean"
    if wanted in {int, float}:
        return "number" if isinstance(value, bool | str) else ""
    if wanted is types.NoneType:
        return "" if value is None else "null"
    if origin is list and isinstance(value, list):
        return next(filter(None, (_unfit(one, inside[0]) for one in value)), "")
    if origin is tuple and isinstance(value, list):
        return next(filter(None, (_unfit(one, kind) for one, kind in zip(value, inside, strict=False))), "")
    if origin is dict and isinstance(value, dict):
        return next(filter(None, (_unfit(one, inside[1]) for one in value.values())), "")
    return ""
