"""What the operator API says of itself, and how it turns away what is none of its calls."""

from __future__ import annotations

import pytest

from ota_site import OtaSite

FRAME = {"ok", "code", "message", "hint", "facts"}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = OtaSite(tmp_path_factory.mktemp("site") / "ota", jobs=0)
    yield site
    site.stop()


@pytest.fixture(scope="module")
def description(site):
    return site.get("/openapi.json")


def calls(description):
    return [
        (f"{method.upper()} {path}", call)
        for path, methods in description["paths"].items()
        for method, call in methods.items()
    ]


def test_description_when_read_then_every_call_tells_of_failures_in_the_one_frame(description):
    frame = description["components"]["schemas"]["Failure"]
    assert set(frame["required"]) == FRAME == set(frame["properties"])
    for name, call in calls(description):
        told = call["responses"]
        assert {"405", "422", "503", "default"} <= set(told), name
        for status, answer in told.items():
            if status[0] != "2":
                assert answer["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Failure"}, name
                assert answer["description"], name


def test_description_when_read_then_who_may_and_what_is_missing_stand_where_they_can_happen(description):
    for name, call in calls(description):
        told = set(call["responses"])
        is_public = call.get("x-public", False)
        assert ("401" in told) == (not is_public or name.endswith(("/v1/login", "/v1/first-start"))), name
        assert ("403" in told) == bool(call.get("x-permissions")), name
        assert ("409" in told) == (not name.startswith("GET ")), name
        if "{" in name:
            assert "404" in told, name


def test_description_when_read_then_every_number_in_an_address_has_its_bounds(description):
    seen = set()
    for name, call in calls(description):
        for one in call.get("parameters", ()):
            if one["in"] == "path" and one["schema"].get("type") == "integer":
                assert (one["schema"].get("minimum"), one["schema"].get("maximum")) == (0, (1 << 63) - 1), name
                seen.add(one["name"])
    assert {"artifact", "plan", "device", "rehearsal"} <= seen


def test_description_when_read_then_every_reference_leads_somewhere(description):
    def walk(value):
        if isinstance(value, dict):
            if "$ref" in value:
                yield value["$ref"]
            for one in value.values():
                yield from walk(one)
        elif isinstance(value, list):
            for one in value:
                yield from walk(one)

    for reference in walk(description):
        _, *path = reference.split("/")
        found = description
        for part in path:
            found = found[part]
        assert found, reference


@pytest.mark.parametrize(("lang", "word"), [("en", "nothing is at"), ("zh", "不存在")])
def test_address_when_there_is_none_then_said_in_the_one_frame(site, lang, word):
    answer = site.web.get("/v1/nothing", headers={"Accept-Language": lang})
    assert answer.status_code == 404
    told = answer.json()
    assert set(told) == FRAME
    assert told["code"] == "ML-E0209"
    assert word in told["message"]
    assert "/v1/nothing" in told["message"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "/v1/products", "GET, POST"),
        ("GET", "/v1/login", "POST"),
        ("POST", "/v1/products/1", "DELETE, GET, PATCH"),
        ("DELETE", "/health", "GET"),
    ],
)
def test_method_when_an_address_has_it_not_then_all_it_has_are_named(site, method, path, allowed):
    answer = site.web.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == allowed
    told = answer.json()
    assert (told["code"], told["facts"]["allowed"]) == ("ML-E0210", allowed)


def test_body_when_it_is_no_text_then_said_in_the_one_frame(site):
    answer = site.web.post("/v1/products", content=b"\xff\xfe{", headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert (answer.json()["code"], answer.json()["facts"]["field"]) == ("ML-E0208", "body")


@pytest.mark.parametrize("number", [1 << 63, 1 << 200, -1])
def test_number_when_nothing_can_have_it_then_the_field_is_named(site, number):
    answer = site.web.get(f"/v1/plans/{number}")
    assert answer.status_code == 422
    assert answer.json()["facts"]["field"] == "path.plan"
