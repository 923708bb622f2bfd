"""What the browser saves from the console: the platform's own answers, passed on piece by piece."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import quote

from fastapi import Response
from fastapi.responses import PlainTextResponse, StreamingResponse
from nicegui import app
from starlette.requests import Request

from moduline.errors import ModulineError
from moduline.web import sessions
from moduline.web.platform_api import PlatformApi

DEVICES_CSV: Final = "/console/devices.csv"
ASKED: Final = ("product", "find", "is_online", "is_enabled", "version", "tag", "filter")
"""What an export of devices may be narrowed by."""
PROOF_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
"""A page that was made of files of strangers may do nothing but be looked at."""


def file_address(artifact: int, position: int, name: str) -> str:
    """Where a file of a version package can be had."""
    return f"/console/packages/{artifact}/files/{position}/{quote(name, safe='')}"


def proof_address(artifact: int, rehearsal: int, kind: str) -> str:
    """Where the proof of a rehearsal can be seen (``html``) or had (``json``)."""
    return f"/console/packages/{artifact}/rehearsals/{rehearsal}/proof.{kind}"


@app.get(DEVICES_CSV, include_in_schema=False)
async def devices_csv(request: Request) -> Response:
    """Devices as a table for spreadsheets."""
    asked = {name: request.query_params.get(name, "") for name in ASKED}
    return await _passed(request, "/v1/devices/export", "text/csv; charset=utf-8", "devices.csv", form="csv", **asked)


@app.get("/console/packages/{artifact}/files/{position}/{name}", include_in_schema=False)
async def package_file(request: Request, artifact: int, position: int, name: str) -> Response:
    """One file of a version package."""
    return await _passed(request, f"/v1/artifacts/{artifact}/files/{position}", "application/octet-stream", name)


@app.get("/console/packages/{artifact}/rehearsals/{rehearsal}/proof.html", include_in_schema=False)
async def rehearsal_page(request: Request, artifact: int, rehearsal: int) -> Response:
    """The proof of a rehearsal as a page with its picture."""
    path = f"/v1/artifacts/{artifact}/rehearsals/{rehearsal}/page"
    answer = await _passed(request, path, "text/html; charset=utf-8", "")
    answer.headers["Content-Security-Policy"] = PROOF_POLICY
    return answer


@app.get("/console/packages/{artifact}/rehearsals/{rehearsal}/proof.json", include_in_schema=False)
async def rehearsal_proof(request: Request, artifact: int, rehearsal: int) -> Response:
    """The proof of a rehearsal for programs."""
    path = f"/v1/artifacts/{artifact}/rehearsals/{rehearsal}/proof"
    return await _passed(request, path, "application/json", f"rehearsal-{rehearsal}.json")


async def _passed(request: Request, path: str, kind: str, name: str, **asked: object) -> Response:
    """An answer of the platform, in the name of whoever asks; what it refuses is said in words.

    Args:
        path: at the operator API.
        kind: media type.
        name: under which it is saved; "": it is looked at.
        asked: further words of the query.
    """
    seen = sessions.stranger_of(request)
    try:
        seen = await sessions.viewer_of(request)
        if not seen.name:
            return PlainTextResponse("", 401)
        pieces = PlatformApi(seen.token, seen.lang).fetch(path, **asked)
        first = await anext(pieces, b"")
    except ModulineError as failure:
        return PlainTextResponse(f"{failure.message(seen.lang)} ({failure.code})", failure.http_status)

    async def whole() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
    if name:
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    return StreamingResponse(whole(), media_type=kind, headers=headers)
