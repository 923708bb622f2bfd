"""Verbs of products.

A product key is shown as six characters (``p111xt``); the secret has sixteen, because its first sixteen bytes are the
AES key of a device's first password. Both may be brought along by a fleet that another platform served before.

Source: ota-semantics, sections 1, 6 and 12; seed 003.
"""

from __future__ import annotations

import re
import secrets
import string
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from sqlalchemy import Connection, exists, insert, select, update
from sqlalchemy import delete as remove

from moduline.cloud import audit, tables
from moduline.cloud.edge import Actor, Page, acts, page_limit, page_of, plain_text
from moduline.errors import BadField, NameTaken, NoSuchObject, StateForbids, Text

KIND: Final = Text("product", "产品")
PK_CHARACTERS: Final = 6
PS_CHARACTERS: Final = 16
GRID_S: Final = 600
"""The platform matches on this grid of the wall clock when a product says nothing."""
_LETTERS: Final = string.ascii_lowercase + string.digits
_PK: Final = re.compile(r"[A-Za-z0-9]{1,32}")
_PS: Final = re.compile(r"[A-Za-z0-9]{16,32}")
_SCHEMES: Final = ("http", "https")


@dataclass(frozen=True, slots=True)
class ProductSettings:
    """How the platform treats devices of a product.

    Args:
        is_first_only: a device that has authenticated may not do so again; one that lost its secret stays out.
        needs_verification: plans take only artifacts that passed a verification.
        needs_rehearsal: plans take only artifacts that passed a rehearsal.
        rehearses_uploads: a patch of a module is rehearsed on virtual modules as soon as it is there.
        grid_s: seconds between two matches; a divisor of a day.
        is_windows_strict: push windows also bind a device's own request.
        scheme: of download addresses, ``http`` or ``https``.
    """

    is_first_only: bool = False
    needs_verification: bool = False
    grid_s: int = GRID_S
    is_windows_strict: bool = False
    scheme: str = "http"
    needs_rehearsal: bool = False
    rehearses_uploads: bool = False


@dataclass(frozen=True, slots=True)
class Product:
    """A product.

    Args:
        id: number in the database.
        account_id: main account it belongs to.
        name: unique in that account.
        pk: product key, unique on the platform.
        created_at: UTC seconds.
        settings: how its devices are treated.
    """

    id: int
    account_id: int
    name: str
    pk: str
    created_at: float
    settings: ProductSettings


_COLUMNS: Final = tuple(
    tables.products.c[name]
    for name in ("id", "account_id", "name", "pk", "created_at", *(one.name for one in fields(ProductSettings)))
)


@acts("product.create")
def create(
    conn: Connection,
    name: str,
    settings: ProductSettings | None = None,
    *,
    actor: Actor,
    now: float,
    pk: str = "",
    ps: str = "",
) -> Product:
    """Make a product; its keys are drawn by lot unless they are brought along.

    Args:
        name: for people.
        settings: how its devices are treated.
        pk: of a fleet that exists.
        ps: of a fleet that exists.

    Raises:
        BadField: a field cannot be so.
        NameTaken: the name or the key is in use.
    """
    plain_text("name", name)
    chosen = settings or ProductSettings()
    _check(chosen)
    if bool(pk) != bool(ps):
        reason = Text("key and secret come together or not at all", "产品密钥与产品密码须同时提供")
        raise BadField(field="pk", reason=reason)
    if pk and not (_PK.fullmatch(pk) and _PS.fullmatch(ps)):
        reason = Text("1 to 32 letters and digits; the secret 16 to 32", "须为 1–32 位字母或数字；密码为 16–32 位")
        raise BadField(field="pk", reason=reason)
    if pk and _has(conn, tables.products.c.pk == pk):
        raise NameTaken(kind=KIND, name=pk)
    _require_free(conn, name, actor)
    values: dict[str, Any] = {
        "account_id": actor.main_id,
        "name": name,
        "pk": pk or _fresh_key(conn),
        "ps": ps or "".join(secrets.choice(_LETTERS) for _ in range(PS_CHARACTERS)),
        "created_at": now,
    } | asdict(chosen)
    number = conn.execute(insert(tables.products).returning(tables.products.c.id), values).scalar_one()
    audit.note(conn, "product.create", number, name, actor=actor, now=now, after=values)
    return by_id(conn, number, actor=actor)


@acts("product.change")
def change(
    conn: Connection,
    product_id: int,
    settings: ProductSettings,
    *,
    actor: Actor,
    now: float,
    name: str | None = None,
) -> Product:
    """Give a product other settings, or another name.

    Raises:
        BadField, NameTaken, NoSuchObject: it cannot be done.
    """
    old = by_id(conn, product_id, actor=actor)
    _check(settings)
    title = old.name if name is None else plain_text("name", name)
    if title != old.name:
        _require_free(conn, title, actor)
    values = asdict(settings) | {"name": title}
    conn.execute(update(tables.products).where(tables.products.c.id == product_id), values)
    before = asdict(old.settings) | {"name": old.name}
    audit.note(conn, "product.change", product_id, title, actor=actor, now=now, before=before, after=values)
    return by_id(conn, product_id, actor=actor)


@acts("product.delete")
def delete(conn: Connection, product_id: int, *, actor: Actor, now: float) -> None:
    """Remove a product that has neither devices nor plans.

    Raises:
        NoSuchObject: there is none.
        StateForbids: it is in use.
    """
    old = by_id(conn, product_id, actor=actor)
    for table in (tables.devices, tables.plans):
        if conn.execute(select(exists().where(table.c.product_id == product_id))).scalar_one():
            reason = Text("it has devices or plans", "该产品下有设备或升级计划")
            raise StateForbids(kind=KIND, name=old.name, reason=reason)
    conn.execute(remove(tables.products).where(tables.products.c.id == product_id))
    before = {"name": old.name, "pk": old.pk}
    audit.note(conn, "product.delete", product_id, old.name, actor=actor, now=now, before=before)


@acts("product.secret")
def secret(conn: Connection, product_id: int, *, actor: Actor, now: float) -> str:
    """The product secret, to be burnt into devices; that it was looked at is noted.

    Raises:
        NoSuchObject: there is none.
    """
    old = by_id(conn, product_id, actor=actor)
    audit.note(conn, "product.secret", product_id, old.name, actor=actor, now=now)
    query = select(tables.products.c.ps).where(tables.products.c.id == product_id)
    return str(conn.execute(query).scalar_one())


def by_id(conn: Connection, product_id: int, *, actor: Actor) -> Product:
    """A product of the actor's main account.

    Raises:
        NoSuchObject: there is none.
    """
    one = tables.products.c
    row = conn.execute(select(*_COLUMNS).where(one.id == product_id, one.account_id == actor.main_id)).first()
    if row is None:
        raise NoSuchObject(kind=KIND, name=str(product_id))
    return _product(row)


def by_keys(conn: Connection, keys: tuple[str, ...]) -> tuple[tuple[Product, str], ...]:
    """Products of these keys with their secrets, the longest key first: what the device gateway asks."""
    one = tables.products.c
    found = conn.execute(select(*_COLUMNS, one.ps).where(one.pk.in_(keys))).all()
    known = [(_product(row), str(row.ps)) for row in found]
    return tuple(sorted(known, key=lambda pair: -len(pair[0].pk)))


def page(conn: Connection, *, actor: Actor, after: int = 0, limit: int | None = None) -> Page[Product]:
    """The products of the actor's main account, oldest first."""
    size, one = page_limit(limit), tables.products.c
    query = select(*_COLUMNS).where(one.account_id == actor.main_id, one.id > after).order_by(one.id).limit(size + 1)
    return page_of([_product(row) for row in conn.execute(query)], size, lambda product: product.id)


def _product(row: Any) -> Product:
    values = row._mapping
    settings = ProductSettings(**{one.name: values[one.name] for one in fields(ProductSettings)})
    return Product(row.id, row.account_id, row.name, row.pk, row.created_at, settings)


def _check(settings: ProductSettings) -> None:
    if settings.grid_s <= 0 or 86400 % settings.grid_s:
        raise BadField(field="grid_s", reason=Text("a divisor of 86400 seconds", "须为 86400 秒的约数"))
    if settings.scheme not in _SCHEMES:
        raise BadField(field="scheme", reason=Text("http or https", "须为 http 或 https"))


def _require_free(conn: Connection, name: str, actor: Actor) -> None:
    one = tables.products.c
    if _has(conn, (one.name == name) & (one.account_id == actor.main_id)):
        raise NameTaken(kind=KIND, name=name)


def _has(conn: Connection, condition: Any) -> bool:
    return bool(conn.execute(select(exists().where(condition))).scalar_one())


def _fresh_key(conn: Connection) -> str:
    """A key that nobody has: ``p`` and five letters or digits, as the vendor's are."""
    while True:
        key = "p" + "".join(secrets.choice(_LETTERS) for _ in range(PK_CHARACTERS - 1))
        if not _has(conn, tables.products.c.pk == key):
            return key
