"""A plan that is not written down yet: everything that speaks against it, and how many devices it would meet.

Who fills in a form wants all of it at once and field by field; the verbs of ``service`` refuse with the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from sqlalchemy import Connection, func, select

from moduline.cloud import tables
from moduline.cloud.devices import service as devices
from moduline.cloud.devices.device import DeviceFilter
from moduline.cloud.edge import Actor
from moduline.cloud.plans import scope, stored
from moduline.cloud.plans.plan import Plan, check_plan
from moduline.cloud.plans.rules import in_scope
from moduline.cloud.problem import Problem
from moduline.errors import Text

_AT_ONCE: Final = 500
_D: Final = tables.devices.c
_P: Final = tables.plans.c


def problems(conn: Connection, plan: Plan, *, actor: Actor, plan_id: int | None = None) -> tuple[Problem, ...]:
    """All that speaks against a plan as it would be written.

    Args:
        conn: of a transaction.
        plan: what is to be written.
        actor: who asks.
        plan_id: the draft that it would replace; None: it would be a new one.
    """
    found = [one for one in check_plan(plan) if not one.is_warning]
    product = tables.products.c
    mine = select(product.id).where(product.id == plan.product_id, product.account_id == actor.main_id)
    if conn.execute(mine).first() is None:
        found.append(Problem("product", Text("choose a product", "请选择产品")))
    taken = select(_P.id).where(_P.name == plan.name, _P.account_id == actor.main_id, _P.kind == stored.PLAN)
    row = conn.execute(taken).first()
    if row is not None and row.id != plan_id:
        text = Text("there is a plan '{name}' already", "已有名为“{name}”的升级计划")
        found.append(Problem("name", text, {"name": plan.name}))
    return tuple(found)


def met(conn: Connection, plan: Plan, *, actor: Actor) -> int:
    """How many known devices a plan would meet if it were activated now.

    Args:
        conn: of a transaction.
        plan: what is to be written.
        actor: who asks.
    """
    wanted = DeviceFilter(product_id=plan.product_id)
    if plan.filter is not None:
        found = devices.scan(conn, wanted, actor=actor)
        return sum(in_scope(plan, scope.ruled(one)) for one in found)
    if plan.has_white_list:
        return sum(_known(conn, plan.product_id, plan.white - plan.black, actor))
    return devices.count(conn, wanted, actor=actor) - sum(_known(conn, plan.product_id, plan.black, actor))


def _known(conn: Connection, product_id: int, keys: Iterable[str], actor: Actor) -> Iterator[int]:
    """How many of some keys are devices of the actor's product, block by block."""
    own = select(tables.products.c.id).where(tables.products.c.account_id == actor.main_id)
    query = select(func.count()).where(_D.product_id == product_id, _D.product_id.in_(own))
    ordered = sorted(keys)
    for at in range(0, len(ordered), _AT_ONCE):
        yield int(conn.execute(query.where(_D.dk.in_(ordered[at : at + _AT_ONCE]))).scalar_one())
