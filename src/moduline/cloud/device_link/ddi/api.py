"""Routes of what people decide about polling clients: tokens of devices, terms of products."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter
from pydantic import Field

from moduline.cloud.accounts.door import Id, Open, Who, needs
from moduline.cloud.device_link.ddi import terms, tokens
from moduline.cloud.given import Given

router: Final = APIRouter(prefix="/v1", tags=["ddi"])


class DdiWishes(Given):
    """How clients of a product are treated; what is left out stays."""

    poll_s: Annotated[int | None, Field(description="seconds between two polls; 0: as the platform says")] = None
    busy_poll_s: Annotated[int | None, Field(description="the same while there is an action")] = None
    version_attribute: Annotated[
        str | None, Field(description='attribute that is the version; "": sw_version, version or fw_version')
    ] = None
    trust: Annotated[
        Literal["auto", "always", "never"] | None,
        Field(description="whether closed/success counts without a version; auto: where a client tells none"),
    ] = None


@router.get("/products/{product}/ddi")
async def show_terms(door: Open, who: Who, product: Id) -> dict[str, Any]:
    """How clients of a product are treated."""
    return asdict(await door.see(terms.shown, product, actor=who))


@router.patch("/products/{product}/ddi", **needs("product.change"))
async def change_terms(door: Open, who: Who, product: Id, to: DdiWishes) -> dict[str, Any]:
    """Treat them otherwise; nodes know within a second."""
    wanted = to.model_dump(exclude_none=True)
    return asdict(await door.act(terms.change, product, wanted, actor=who))


@router.post("/devices/{device}/token", status_code=201, **needs("device.token"))
async def issue_token(door: Open, who: Who, device: Id) -> dict[str, Any]:
    """A token of this device alone, shown once; the one before counts no more."""
    return {"token": await door.act(tokens.issue, device, actor=who)}


@router.delete("/devices/{device}/token", **needs("device.token"))
async def revoke_token(door: Open, who: Who, device: Id) -> dict[str, Any]:
    """Take the token of a device back."""
    await door.act(tokens.revoke, device, actor=who)
    return {"ok": True}
