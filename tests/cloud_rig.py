"""A platform for tests: a database, a main account, a clock in the hand, and short names for its verbs."""

from __future__ import annotations

from moduline.cloud.accounts import service as accounts
from moduline.cloud.db import Database
from moduline.cloud.devices import contact
from moduline.cloud.devices import service as devices
from moduline.cloud.edge import Actor
from moduline.cloud.products import service as products

NOW = 1_800_000_000.0


class Rig:
    """One opened database with a main account."""

    def __init__(self, address, *, slot=0):
        self.db = Database(address, slot=slot)
        self.now = NOW
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

    def look(self, device_id):
        return self.see(devices.by_id, device_id)
