"""The records over HTTP, for an MES: read them, reckon with them, ask whether a unit may go on. Nothing can be changed.

::

    GET  /v1/records?order=&outcome=&station=&slot=&operator=&imei=&unit=&since=&until=&after=&limit=
                                              a page of tries, by ``seq``
    GET  /v1/records/{id}                     one try
    GET  /v1/units?order=                     the last try of each unit
    GET  /v1/orders                           production orders
    GET  /v1/statistics?order=&by=            the figures of ``line.records.statistics``
    POST /v1/permit                           may this unit go on?  {"imei" or "unit", "order", "sha256"}
    GET  /health                              without a token
    GET  /docs, /openapi.json                 the description; the page needs no content network

Every call but the last two lines carries ``Authorization: Bearer TOKEN``. Errors are those of the command line:
``{"ok": false, "code", "message", "hint", "facts"}`` with the HTTP status of the error.
"""

from __future__ import annotations

import hmac
from typing import Annotated, Any, Final, Literal

from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi_offline import FastAPIOffline
from pydantic import BaseModel, Field

import moduline
from moduline.burn.books import RecordFilter
from moduline.burn.books.store import RecordStore
from moduline.burn.record import Outcome
from moduline.errors import BadOption, ModulineError, NoSuchRecord
from moduline.line.records.permit import permit
from moduline.line.records.statistics import Breakdown, breakdown, figures, pareto, units_of

LONGEST_PAGE: Final = 1000
_SHOWN: Final = HTTPBearer(auto_error=False)
Text40 = Annotated[str | None, Query(max_length=400)]


class UnitQuestion(BaseModel):
    """Which unit is meant; by IMEI or by its own number."""

    imei: str = Field("", max_length=40, examples=["861234567890123"])
    unit: str = Field("", max_length=400, description="the unit's own number, such as its serial number")
    order: str | None = Field(None, max_length=400, description="production order; none: any")
    sha256: str = Field("", max_length=64, description="of the package the unit must have; none: any")


class PermitAnswer(BaseModel):
    """Whether the unit may go on, and why."""

    permit: bool
    reason: Literal["passed", "unknown", "running", "not-passed", "other-image"]
    record: dict[str, Any] | None


class Page(BaseModel):
    """Records by ``seq``; ``next`` goes into ``after`` of the next call, null at the end."""

    records: list[dict[str, Any]]
    next: int | None


def make_app(store: RecordStore, token: str) -> FastAPI:
    """The ASGI application over a store.

    Args:
        store: whose records.
        token: what every caller must show.
    """
    app: FastAPI = FastAPIOffline(
        title="Moduline line records", version=moduline.__version__, summary="Records of a production line"
    )
    guard = _guard(token)

    @app.exception_handler(RequestValidationError)
    def complain(request: Request, wrong: RequestValidationError) -> JSONResponse:
        """What was asked cannot be meant; the question itself is not repeated, it may be no text at all."""
        said = "; ".join(f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in wrong.errors())
        answer = tell(request, BadOption(name=request.url.path, reason=said))
        answer.status_code = 422
        return answer

    @app.exception_handler(ModulineError)
    def tell(_: Request, failure: ModulineError) -> JSONResponse:
        facts = {name: str(value) for name, value in failure.facts.items()}
        said = {
            "ok": False,
            "code": failure.code,
            "message": failure.message(),
            "hint": failure.remedy(),
            "facts": facts,
        }
        return JSONResponse(said, failure.http_status)

    @app.get("/health", tags=["server"])
    def health() -> dict[str, Any]:
        """Whether the records can be read."""
        store.select(RecordFilter(limit=1))
        return {"ok": True, "version": moduline.__version__}

    _add_records(app, store, guard)
    _add_figures(app, store, guard)
    return app


def _add_records(app: FastAPI, store: RecordStore, guard: list[Any]) -> None:
    @app.get("/v1/records", tags=["records"], dependencies=guard)
    def records(
        order: Text40 = None,
        outcome: Outcome | None = None,
        station: Text40 = None,
        slot: Text40 = None,
        operator: Text40 = None,
        imei: Text40 = None,
        unit: Text40 = None,
        since: Annotated[float | None, Query(description="begun at this Unix time or later")] = None,
        until: Annotated[float | None, Query(description="begun before this Unix time")] = None,
        after: Annotated[int, Query(ge=0, le=(1 << 63) - 1, description="`next` of the page before")] = 0,
        limit: Annotated[int, Query(ge=1, le=LONGEST_PAGE)] = 100,
    ) -> Page:
        """Tries by the number of their last event. Going on after the last number seen gives each change once."""
        wanted = RecordFilter(
            order=order, outcome=outcome, station=station, slot=slot, operator=operator, imei=imei, unit=unit,
            since_s=since, until_s=until, after=after, limit=limit, by="seq",
        )  # fmt: skip
        page = store.page(wanted)
        return Page(records=[one.as_json() for one in page.records], next=page.next_after)

    @app.get("/v1/records/{id}", tags=["records"], dependencies=guard)
    def record(id: str) -> dict[str, Any]:  # noqa: A002  the name in the path
        """One try by its id."""
        found = [one for one in store.select(RecordFilter(id=id, limit=2)) if one.record.id == id]
        if not found:
            raise NoSuchRecord(given=id)
        return found[0].as_json()

    @app.get("/v1/orders", tags=["records"], dependencies=guard)
    def orders() -> list[str]:
        """Production orders in the order of their beginning; "" are tries without one."""
        return store.orders()


def _add_figures(app: FastAPI, store: RecordStore, guard: list[Any]) -> None:
    def tries_of(order: str | None) -> list[Any]:
        return [one.record for one in store.select(RecordFilter(order=order))]

    @app.get("/v1/units", tags=["figures"], dependencies=guard)
    def units(order: Text40 = None) -> list[dict[str, Any]]:
        """The last try of each unit."""
        return [tries[-1].as_json() for tries in units_of(tries_of(order))]

    @app.get("/v1/statistics", tags=["figures"], dependencies=guard)
    def statistics(order: Text40 = None, by: Breakdown | None = None) -> dict[str, Any]:
        """Units, yields, units per hour, cycle time, and the Pareto table of errors."""
        tries = tries_of(order)
        errors = [
            {"code": one.code, "tries": one.tries, "share": one.share, "total": one.total} for one in pareto(tries)
        ]
        parts = [one.as_json() for one in breakdown(tries, by)] if by else []
        return {"all": figures(tries).as_json(), "by": by or "", "parts": parts, "errors": errors}

    @app.post("/v1/permit", tags=["gate"], dependencies=guard)
    def may_go_on(question: UnitQuestion) -> PermitAnswer:
        """May this unit go on to the next station? A no is an answer (200), not an error."""
        if not question.imei and not question.unit:
            raise HTTPException(422, "imei or unit is needed")
        wanted = RecordFilter(order=question.order, imei=question.imei or None, unit=question.unit or None)
        answer = permit([one.record for one in store.select(wanted)], question.sha256)
        decided = answer.record.as_json() if answer.record else None
        return PermitAnswer(permit=answer.is_given, reason=answer.reason, record=decided)


def _guard(token: str) -> list[Any]:
    """What lets only those in who know the token."""

    def check(shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_SHOWN)]) -> None:
        if shown is None or not hmac.compare_digest(shown.credentials.encode(), token.encode()):
            raise HTTPException(401, "a valid token is needed", {"WWW-Authenticate": "Bearer"})

    return [Depends(check)]
