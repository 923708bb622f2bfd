"""A platform for tests: a database, a main account, a clock in the hand, and short names for its verbs."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import text

from moduline.cloud.accounts import service as accounts
from moduline.cloud.artifacts import service as artifacts
from moduline.cloud.artifacts.rules import Artifact, ComponentType
from moduline.cloud.db import Database
from moduline.cloud.devices import contact
from moduline.cloud.devices import service as devices
from moduline.cloud.edge import Actor
from moduline.cloud.plans import service as plans
from moduline.cloud.plans.plan import Plan, PlanComponent, Release, Strategy
from moduline.cloud.plans.rules import Versions
from moduline.cloud.products import service as products
from moduline.cloud.upgrades import service as upgrades
from moduline.cloud.upgrades.events import StatusReported

NOW = 1_800_000_000.0


class Rig:
    """One opened database with a main account."""

    def __init__(self, address, *, slot=0):
        self.db = Database(address, slot=slot)
        self.now = NOW
        self.files = Files()
        self.db.open()
        if self.db.read(accounts.is_founded):
            account = self.db.read(lambda conn: accounts.page(conn, actor=Actor(1, 1, "owner", "admin"))).items[0]
            self.token = ""
        else:
            account, self.token = self.db.write(accounts.found, "owner", now=self.now)
        self.owner = Actor(account.id, account.id, account.name, "admin")

    def close(self):
        self.db.close()

    def act(self, verb, *args, actor=None, **kwargs):
        """Run a verb of people."""
        return self.db.write(verb, *args, actor=actor or self.owner, now=self.now, **kwargs)

    def tell(self, verb, *args, **kwargs):
        """Run a verb of devices."""
        return self.db.write(verb, *args, now=self.now, **kwargs)

    def see(self, verb, *args, actor=None, **kwargs):
        """Run a verb that only reads."""
        return self.db.read(verb, *args, actor=actor or self.owner, **kwargs)

    def product(self, name="meter", **settings):
        return self.act(products.create, name, products.ProductSettings(**settings))

    def device(self, product, dk="860000000000001", module="V1", **controllers):
        """A device that has authenticated and reported its versions; its number."""
        issued = self.tell(contact.authenticate, product.id, dk, is_first_only=False)
        self.tell(contact.report_versions, issued.device_id, module, controllers)
        return issued.device_id

    def artifact(self, name="v2", kind=ComponentType.MODULE, source="", target="V2", content=b"new firmware"):
        """An artifact of one file."""
        file = artifacts.receive(self.files, f"{name}.bin", [content])
        made = Artifact(name, kind, bool(source), source, target, (file,))
        stored, _ = self.act(artifacts.create, made, self.files)
        return stored

    def draft(self, product, *stored, name="plan", hours=(-1, 24), strategy=None, **more):
        """A draft of these artifacts; starts an hour ago and ends in a day when nothing else is said."""
        components = tuple(
            PlanComponent(
                one.artifact.component or f"c{number}",
                one.artifact.type,
                (Release(one.id, one.artifact.target, one.artifact.size_bytes, one.artifact.source),),
            )
            for number, one in enumerate(stored)
        )
        start, end = (local(self.now + 3600 * hour) for hour in hours)
        strategy = strategy or Strategy()
        plan = Plan(name, product.id, "UTC", start, end, components, strategy=strategy)
        return self.act(plans.create, replace(plan, **more))

    def activated(self, *args, **more):
        """An active plan."""
        return self.act(plans.activate, self.draft(*args, **more).id)

    def online(self, device_id, connection=1, node="one"):
        return self.tell(upgrades.came_online, device_id, node, connection)

    def request(self, device_id, module=None, **controllers):
        """Command 0x0115."""
        return self.tell(upgrades.told_versions, device_id, module, controllers, is_request=True)

    def status(self, device_id, code, component="c0", kind=ComponentType.MODULE, module=None, **controllers):
        """Command 0x0114."""
        versions = Versions(module, controllers) if module or controllers else None
        return self.tell(upgrades.hear, device_id, StatusReported(code, kind, component, versions))

    def counts(self, plan):
        """Counters of a plan, and the same from its rows: they must be equal."""
        kept, rows = self.db.read(counted, plan.id)
        assert kept == rows, "invariant 10"
        return kept

    def look(self, device_id):
        return self.see(devices.by_id, device_id)


def local(at):
    """UTC seconds as a plan's local time in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M")


def counted(conn, plan_id):
    """Sums of the counters of a plan by group and status, and the same counted from the rows."""
    queries = (
        "SELECT group_number, status, sum(count) FROM plan_counters WHERE plan_id = :plan GROUP BY 1, 2",
        "SELECT group_number, status, count(*) FROM upgrades WHERE plan_id = :plan GROUP BY 1, 2",
    )
    found = []
    for query in queries:
        rows = conn.execute(text(query), {"plan": plan_id}).all()
        found.append({(group, status): int(count) for group, status, count in rows if count})
    return tuple(found)


class Files:
    """A file store in memory."""

    def __init__(self):
        self.held = {}

    def put(self, pieces):
        data = b"".join(pieces)
        key = hashlib.sha256(data).hexdigest()
        self.held[key] = data
        return key

    def size(self, key):
        return len(self.held[key])
