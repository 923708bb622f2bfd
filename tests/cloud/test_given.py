"""Bodies of the operator API: JSON types are what the description says, and nothing is read as something else."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from moduline.cloud.given import Given


class Part(Given):
    number: int


class Whole(Given):
    count: int = 0
    share: float = 0.0
    is_on: bool = False
    name: str = ""
    limit: int | None = None
    pairs: list[tuple[int, int]] = []  # noqa: RUF012  a default as pydantic has them
    rates: dict[str, float] = {}  # noqa: RUF012
    parts: list[Part] = []  # noqa: RUF012
    anything: dict[str, object] = {}  # noqa: RUF012


@pytest.mark.parametrize(
    "body",
    [
        {}, {"count": 3}, {"count": 3.0}, {"share": 1}, {"share": 0.5}, {"is_on": True}, {"limit": None}, {"limit": 0},
        {"pairs": [[1, 2], [3, 4]]}, {"rates": {"a": 1, "b": 0.5}}, {"parts": [{"number": 1}]},
        {"anything": {"a": False, "b": "1", "c": 0}}, {"name": "0"},
    ],
)  # fmt: skip
def test_body_when_its_values_are_of_their_types_then_taken(body):
    assert Whole.model_validate(body).model_dump(include=body.keys()).keys() == body.keys()


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"count": False}, ("count",)), ({"count": "3"}, ("count",)), ({"count": None}, ("count",)),
        ({"count": 0.5}, ("count",)), ({"share": True}, ("share",)), ({"share": "0.5"}, ("share",)),
        ({"is_on": 1}, ("is_on",)), ({"is_on": "true"}, ("is_on",)), ({"is_on": None}, ("is_on",)),
        ({"limit": False}, ("limit",)), ({"limit": "0"}, ("limit",)), ({"name": 0}, ("name",)),
        ({"pairs": [[True, 2]]}, ("pairs",)), ({"pairs": [[1, "2"]]}, ("pairs",)), ({"pairs": [[1]]}, ("pairs", 0, 1)),
        ({"rates": {"a": False}}, ("rates",)), ({"parts": [{"number": False}]}, ("parts", 0, "number")),
        ({"other": 1}, ("other",)),
    ],
)  # fmt: skip
def test_body_when_a_value_is_of_another_type_then_refused_by_its_name(body, where):
    with pytest.raises(ValidationError) as wrong:
        Whole.model_validate(body)
    assert wrong.value.errors()[0]["loc"] == where
