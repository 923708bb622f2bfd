"""Learn which USB place is which slot by plugging a module into one slot after the other.

::

    ask for A1 -> a module arrives and stays -> its place is A1 -> ask for A2 -> ...

What is learnt is written at once, so a lesson that was broken off goes on where it was. A place that has a name is
refused, and the slot is asked for again. Modules that are there in the beginning are no answer until they leave and
come again. Two that arrive together are no answer either: nobody could say which of them was meant.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from moduline.errors import BadOption, NoModule, Text
from moduline.events import Notice, Reporter, silent
from moduline.line.presence import DEBOUNCE_S, Presence, Sight
from moduline.port.listing import PortInfo, is_module, read_slots, write_slots
from moduline.port.watch import Watch

LOOK_S = 0.03
MOST_SLOTS = 64
REMIND_S = 20.0


@dataclass(frozen=True, slots=True)
class Learnt:
    """One slot that has a place now.

    Args:
        slot: its name.
        place: USB place.
        what: what was plugged in, as far as it tells.
    """

    slot: str
    place: str
    what: str


@dataclass(slots=True)
class Lesson:
    """Names of the places of one rack, one after the other.

    Args:
        rack: whose slots they are.
        slots: in the order in which they are asked for; those that have a place are passed over.
        watch: everything that is connected; already entered.
        report: gets what is asked and learnt, ``where`` being the slot.
        limit_s: how long one slot is waited for, seconds.
        debounce_s: how long a module must stay, seconds.
    """

    rack: str
    slots: Sequence[str]
    watch: Watch
    report: Reporter = silent
    limit_s: float = 300.0
    debounce_s: float = DEBOUNCE_S
    _places: dict[str, Presence] = field(init=False, default_factory=dict)

    async def run(self) -> list[Learnt]:
        """Until every slot has a place; gives what was learnt now.

        Raises:
            NoModule: nobody plugged anything in for too long; what was learnt before is kept.
            StorageFailed, BadRecipe: the names cannot be kept.
        """
        learnt = []
        for place in {port.place for port in self._modules()}:
            self._places[place] = Presence(self.debounce_s, is_occupied=True, is_there=True)
        for slot in self.slots:
            known = (await asyncio.to_thread(read_slots)).get(self.rack, {}).get(slot)
            if known is not None:
                self.report(Notice("learn.known", where=slot, facts={"place": known}))
                continue
            learnt.append(await self._learn(slot))
        return learnt

    async def _learn(self, slot: str) -> Learnt:
        loop = asyncio.get_running_loop()
        end = loop.time() + self.limit_s
        remind_at = loop.time()
        while loop.time() < end:
            if loop.time() >= remind_at:
                remind_at += REMIND_S
                self.report(Notice("learn.ask", where=slot, facts={"seconds": round(end - loop.time())}))
            arrived = self._arrived()
            if len(arrived) > 1:
                places = ", ".join(sorted(port.place for port in arrived))
                self.report(Notice("learn.several", where=slot, facts={"places": places}))
            elif arrived and (found := await self._name(slot, arrived[0])) is not None:
                return found
            elif arrived:
                remind_at = loop.time()
            await self.watch.next_change(LOOK_S)
        raise NoModule(address=slot)

    async def _name(self, slot: str, port: PortInfo) -> Learnt | None:
        """Give the place its name; None when it has one."""
        named = await asyncio.to_thread(read_slots)
        owners = [(rack, name) for rack, names in named.items() for name, place in names.items() if place == port.place]
        if owners:
            rack, name = owners[0]
            self.report(Notice("learn.taken", where=slot, facts={"place": port.place, "rack": rack, "slot": name}))
            return None
        await asyncio.to_thread(write_slots, self.rack, [(slot, port.place)])
        learnt = Learnt(slot, port.place, port.model or port.product or f"{port.vid:04x}:{port.pid:04x}")
        self.report(Notice("learn.named", where=slot, facts={"place": learnt.place, "what": learnt.what}))
        return learnt

    def _arrived(self) -> list[PortInfo]:
        """The modules that have just come to stay, one port each."""
        now = asyncio.get_running_loop().time()
        there = {port.place: port for port in reversed(self._modules())}
        for place in there:
            self._places.setdefault(place, Presence(self.debounce_s))
        return [
            there[place]
            for place, presence in self._places.items()
            if presence.look(is_there=place in there, now=now) is Sight.STABLE
        ]

    def _modules(self) -> list[PortInfo]:
        """Ports of modules that may be in this rack: real ones, and virtual ones of the rack's name."""
        return [
            port
            for port in self.watch.ports
            if is_module(port) and port.location and (not port.name or port.rack == self.rack)
        ]


async def learn(
    rack: str,
    slots: Sequence[str],
    report: Reporter = silent,
    limit_s: float = 300.0,
    on_watch: Callable[[], None] = lambda: None,
) -> list[Learnt]:
    """Ask for one slot after the other and name the place of what is plugged in; gives what was learnt now.

    Args:
        rack: whose slots they are.
        slots: names, in the order in which they are asked for.
        report: gets Notices ``learn.ask``, ``learn.named``, ``learn.taken``, ``learn.several``, ``learn.known``.
        limit_s: how long one slot is waited for, seconds.
        on_watch: called when arrivals are seen from now on.

    Raises:
        BadOption: slots that cannot be meant.
        NoModule: nobody plugged anything in for too long.
        StorageFailed, BadRecipe: the names cannot be kept.
    """
    check_slots(slots)
    async with Watch() as watch:
        on_watch()
        return await Lesson(rack, slots, watch, report, limit_s).run()


def check_slots(slots: Sequence[str]) -> None:
    """See that the names of the slots can be names.

    Raises:
        BadOption: none, too many, one twice, or one with characters that addresses use.
    """
    if not 0 < len(slots) <= MOST_SLOTS:
        raise BadOption(name="--slots", reason=Text("1 to {most} slots", "应为 1 至 {most} 个通道"), most=MOST_SLOTS)
    for slot in slots:
        if not slot.isprintable() or not slot or set(slot) & set(" =,/:") or list(slots).count(slot) > 1:
            reason = Text("'{given}' is no name, or stands there twice", "“{given}” 不是有效名称或重复")
            raise BadOption(name="--slots", reason=reason, given=slot)


def forget(rack: str, slots: Sequence[str]) -> list[str]:
    """Take the names of slots away; gives those that had a place.

    Raises:
        StorageFailed, BadRecipe: the names cannot be kept.
    """
    known = read_slots().get(rack, {})
    gone = [slot for slot in slots if slot in known]
    write_slots(rack, [(slot, "") for slot in gone])
    return gone
