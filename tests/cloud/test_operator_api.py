"""The operator API as programs see it: every right has a route, every route says what it does; events, webhooks, jobs."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import threading
import time

import httpx
import pytest

from moduline.cloud.edge import PERMISSIONS, ROLES
from moduline.cloud.operator_api import make_app
from ota_site import WAIT_S, OtaSite


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = OtaSite(tmp_path_factory.mktemp("site") / "ota", webhook_networks=("127.0.0.0/8",))
    yield site
    site.stop()


def operations():
    """(method, path, operation) of every route of the description."""
    described = make_app(None, None).openapi()
    return [(method, path, one) for path, ways in described["paths"].items() for method, one in ways.items()]


def test_right_when_given_by_a_role_then_a_route_asks_for_it():
    asked = [verb for _, _, one in operations() for verb in one.get("x-permissions", ())]
    assert set(asked) - {"artifact.create"} == set(PERMISSIONS) - {"artifact.create"}
    assert asked.count("artifact.create") == 2  # the file and the artifact


def test_route_when_described_then_says_what_it_does_and_who_may():
    for method, path, one in operations():
        assert one.get("tags"), path
        assert one.get("description"), (method, path)
        if method != "get":
            assert one["x-permissions"], (method, path)
        if "x-permissions" in one:
            assert any(role in one["responses"]["403"]["description"] for role in ROLES)
