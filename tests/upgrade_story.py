"""One upgrade told step by step to the pure rules, with a clock that is moved by hand."""

from __future__ import annotations

from moduline.cloud.artifacts.rules import ComponentType
from moduline.cloud.plans.plan import Release
from moduline.cloud.plans.rules import OfferItem, Versions
from moduline.cloud.upgrades import events
from moduline.cloud.upgrades.offer import SayPlan, SayUrl
from moduline.cloud.upgrades.reading import read
from moduline.cloud.upgrades.stored import from_json, to_json
from moduline.cloud.upgrades.upgrade import Terms, UpgradeState

MODULE, MCU = ComponentType.MODULE, ComponentType.MCU


def item(component="mod", kind=MODULE, source="V1", target="V2", sort=0, final="", size=30000, artifact=7):
    release = Release(artifact, target, size, source=source)
    return OfferItem(sort, component, kind, source, release, final or target)


class Story:
    """State, clock, everything said and every line of the log so far."""

    def __init__(self, *items, terms=None, now=1_000_000.0, versions=None, offer=True):
        self.state = UpgradeState(1)
        self.now = now
        self.says, self.lines = [], []
        self.items = items or (item(),)
        self.terms = terms or Terms()
        if offer:
            self.offer(versions=versions)

    def tell(self, event):
        """Read one event; returns what is said. The state must survive storage."""
        self.state, lines, says = read(self.state, event, self.now)
        assert from_json(to_json(self.state)) == self.state
        assert not self.state.is_open or self.state.deadline is not None, "an open upgrade without a timer"
        self.lines += lines
        self.says += says
        return says

    def offer(self, *items, versions=None, settled=()):
        return self.tell(events.Offered(items or self.items, settled, self.terms, versions))

    def codes(self, *codes, component="mod", kind=MODULE, versions=None, gap=0.05, free=True):
        """Status codes one after the other, ``versions`` with the last."""
        said = ()
        for at, code in enumerate(codes):
            told = versions if at == len(codes) - 1 else None
            said = self.tell(events.StatusReported(code, kind, component, told, is_free=free))
            self.now += gap
        return said

    def versions(self, module=None, request=False, **mcu):
        return self.tell(events.VersionsReported(Versions(module, mcu), request))

    def reconnect(self, after=60.0):
        self.tell(events.Disconnected())
        self.now += after
        return self.tell(events.Connected())

    def wait(self, seconds):
        """Move the clock; timers fire when they are due, as the scheduler does it."""
        end, said = self.now + seconds, []
        while self.state.deadline is not None and self.state.deadline <= end:
            self.now = max(self.now, self.state.deadline)
            said += self.tell(events.TimePassed())
        self.now = end
        return tuple(said)

    @property
    def status(self):
        return self.state.status.name

    @property
    def reason(self):
        return None if self.state.reason is None else int(self.state.reason)

    def of(self, component="mod"):
        return next(one for one in self.state.components if one.component == component)

    @property
    def words(self):
        """Log as (component, status) pairs."""
        return [(line.component, line.status and line.status.value) for line in self.lines]


def is_plan(says):
    return [type(one) for one in says] == [SayPlan]


def is_url(says, component="mod"):
    return [type(one) for one in says] == [SayUrl] and says[0].component == component
