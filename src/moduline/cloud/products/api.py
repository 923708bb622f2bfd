"""Routes of products."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter
from pydantic import Field

from moduline.cloud.accounts.door import After, Id, Limit, Open, Who, needs, shown
from moduline.cloud.given import Given
from moduline.cloud.products import service as products
from moduline.cloud.products.service import ProductSettings

router: Final = APIRouter(prefix="/v1/products", tags=["products"])


class Wishes(Given):
    """Settings of a product; what is left out stays, or has its default."""

    is_first_only: bool | None = None
    needs_verification: Annotated[bool | None, Field(description="plans take only what passed a verification")] = None
    needs_rehearsal: Annotated[bool | None, Field(description="plans take only what passed a rehearsal")] = None
    rehearses_uploads: Annotated[bool | None, Field(description="rehearse patches as soon as they are there")] = None
    grid_s: Annotated[int | None, Field(description="seconds between two matches, a divisor of a day")] = None
    is_windows_strict: bool | None = None
    scheme: Literal["http", "https"] | None = None

    def over(self, settings: ProductSettings) -> ProductSettings:
        """These settings over others."""
        given = {name: getattr(self, name) for name in Wishes.model_fields}
        return replace(settings, **{name: value for name, value in given.items() if value is not None})


class NewProduct(Given):
    """A product; its keys are drawn by lot unless they are brought along."""

    name: str
    pk: str = Field("", description="product key of a fleet that exists")
    ps: str = Field("", description="its secret")
    settings: Wishes = Wishes()


class ProductChange(Given):
    """What is to be different."""

    name: str | None = None
    settings: Wishes = Wishes()


@router.get("")
async def list_products(door: Open, who: Who, after: After = 0, limit: Limit = None) -> dict[str, Any]:
    """Products, oldest first."""
    return shown(await door.see(products.page, actor=who, after=after, limit=limit), asdict)


@router.post("", status_code=201, **needs("product.create"))
async def create_product(door: Open, who: Who, new: NewProduct) -> dict[str, Any]:
    """Make a product."""
    settings = new.settings.over(ProductSettings())
    return asdict(await door.act(products.create, new.name, settings, actor=who, pk=new.pk, ps=new.ps))


@router.get("/{product}")
async def show_product(door: Open, who: Who, product: Id) -> dict[str, Any]:
    """One product."""
    return asdict(await door.see(products.by_id, product, actor=who))


@router.patch("/{product}", **needs("product.change"))
async def change_product(door: Open, who: Who, product: Id, to: ProductChange) -> dict[str, Any]:
    """Other settings, or another name."""
    old = await door.see(products.by_id, product, actor=who)
    settings = to.settings.over(old.settings)
    return asdict(await door.act(products.change, product, settings, actor=who, name=to.name))


@router.post("/{product}/secret", **needs("product.secret"))
async def show_secret(door: Open, who: Who, product: Id) -> dict[str, Any]:
    """The product secret, to be burnt into devices; that it was looked at is noted."""
    return {"ps": await door.act(products.secret, product, actor=who)}


@router.delete("/{product}", **needs("product.delete"))
async def delete_product(door: Open, who: Who, product: Id) -> dict[str, Any]:
    """Remove a product that has neither devices nor plans."""
    await door.act(products.delete, product, actor=who)
    return {"ok": True}
