"""A module that goes from v1 to v2 and back over HTTP while its power is pulled: firmware of real size, pulls, checks.

::

    version A ──▶ patch A-B over HTTP ──▶ restarts ──▶ version B ──▶ patch B-A ──▶ ...
               ↯ while it downloads, by the clock, at or inside a flash operation of staging, of applying, of what
                 follows a pull, and of what follows that

After each pull: it boots; firmware and scripts are of one version, whole; the user's file is there unless the scripts
were replaced; one word about the end of an upgrade, and only one; the upgrade can be begun anew.
"""

import asyncio
import functools
import random
from dataclasses import dataclass, field, replace

from moduline.delta import codecs, make, read_side
from moduline.delta.images import content_of
from moduline.formats import patch, romfs, sihr, system_image, uimage
from moduline.package import read_package
from moduline.package.merge import substitute
from moduline.package.reading import write_package
from thumb_maker import thumb_image
from transcripts.updating import firmware, serving, updating, user_image, version_of

LIMIT_S = 60
KEPT = b"kept" * 500


def with_rom_files(package, files):
    """A package of ours whose system carries more files in its ROM, behind the header that was there."""
    opened = read_package(package)
    part = next(one for one in opened.parts if one.role == "system" and one.data)
    content = content_of(part.data)
    image = system_image.read(content)
    lead = len(part.data) - len(content)
    fuller = system_image.write(replace(image, rom=romfs.write({**romfs.read(image.rom), **files})), lead)
    if uimage.is_uimage(part.data):
        fuller = uimage.write(replace(uimage.read(part.data), data=fuller))
    elif sihr.is_sihr(part.data):
        old = sihr.read(part.data)
        fuller = sihr.write(fuller, old.name, old.time, old.load_address)
    return write_package(substitute(opened, part.name, fuller))


@functools.cache
def made_blobs():
    """Code of no firmware: calls, loads and addresses that move from one image to the other."""
    return thumb_image(5, 1400), thumb_image(5, 1400, moved_by=1500, ram_by=64)


@dataclass(frozen=True)
class Pair:
    """Two firmwares of a module that differ as real ones do, and the scripts that go with each.

    Attributes:
        module: slug.
        blobs: what the ROM of each carries beside the on-board modules; empty for a small difference.
    """

    module: str
    blobs: tuple = ()
    made: dict = field(default_factory=dict, compare=False)

    @functools.cached_property
    def versions(self):
        return version_of(self.module), version_of(self.module, "2")

    @functools.cached_property
    def packages(self):
        both = (
            firmware(self.module),
            firmware(self.module, "2", build_date="2026-01-02", qpy_version="V0009"),
        )
        if not self.blobs:
            return both
        return tuple(with_rom_files(one, {"data/engine.bin": blob}) for one, blob in zip(both, self.blobs, strict=True))

    def scripts(self, number):
        """Files of /usr after an upgrade with the scripts of that number."""
        return {"one.py": b"number = %d\n" % number, "two.py": b"number = %d\n" % number * 300}

    def files(self, kind, to):
        """The patches that lead to firmware ``to`` (0 or 1), and for ``full`` and ``mini`` to its scripts."""
        if (kind, to) not in self.made:
            self.made[kind, to] = self._make(kind, to)
        return self.made[kind, to]

    def _make(self, kind, to):
        if kind == "full":
            sides = [read_side(self.packages[0])] * 2
        else:
            sides = [read_side(self.packages[1 - to]), read_side(self.packages[to])]
        image = user_image(self.module, self.scripts(to)) if kind != "diff" else None
        codec = "auto" if kind == "full" else "mapped"  # what auto chooses here, without trying the others
        return make(*sides, kind, codec=codec, user_image=image).files

    def reads_old(self, kind, to):
        """Whether the firmware in it is by what changed."""
        return not codecs.codec_of(patch.read(self.files(kind, to)[0]).regions[0].codec).is_whole


class Journey:
    """One module on its way between two firmwares.

    Args:
        bench: the module, running the first firmware.
        pair: both firmwares.
        kind: of the patches.
        base: URL of the server that has them.
        seed: decides when the power goes away.
    """

    def __init__(self, bench, pair, kind, base, seed):
        self.bench, self.pair, self.kind, self.base = bench, pair, kind, base
        self.chance = random.Random(f"{kind} {seed}")
        self.at, self.scripts, self.is_kept = 0, None, True
        self.done, self.log, self.pulled_in = 0, [], []
        self._when_booting = None
        self.staging = self.applying = 0  # flash operations of a try without pulls
        bench.on_state = self._changed

    @property
    def pulls(self):
        """How often the power was pulled."""
        return len(self.pulled_in)

    async def count(self):
        """One try without pulls, to know how many flash operations there are."""
        flash = self.bench.module.file.flash
        flash.arm(())
        self._when_booting = lambda: setattr(self, "staging", flash.operation)
        await self.step(pull=False)
        self.applying = self.operations - self.staging
        assert min(self.staging, self.applying) > 20

    async def ask(self, line):
        return (await self.bench.client.ask(line, LIMIT_S)).strip()

    async def step(self, pull=True):
        """One try to get to the other firmware; the power may go away several times before it runs again."""
        to = 1 - self.at
        if pull:
            self._arrange()
        await self._begin(to)
        module, deep = self.bench.module, 0
        self.operations = module.file.flash.operation
        while module.state == "off":
            self.pulled_in.append(self.bench.states[-2])
            if pull and deep < 3 and self.chance.random() < 0.6:
                deep += 1
                self._arm(self.chance.choice([40, self.applying]))
                self.log[-1] += " again"
            else:
                module.fault("clear")
            await self._live_again()
        module.fault("clear")
        self._when_booting = None
        await self._look(to)

    async def _live_again(self):
        """Power comes; until it runs, or the power has gone again."""
        begin, module = len(self.bench.states), self.bench.module
        await module.power_on()
        async with asyncio.timeout(LIMIT_S):
            await module.wait_until(lambda: "booting" in self.bench.states[begin:])
            await module.wait_until(lambda: module.state == "off" or self._is_up(None))

    async def _begin(self, to):
        names = [f"{self.base}/{self.kind}{to}-{number}" for number in range(len(self.pair.files(self.kind, to)))]
        urls = ", ".join(f"url{number}={name!r}" for number, name in enumerate(names, 1))
        former, module = self.bench.module.runtime, self.bench.module
        self.bench.client.write(f"import fota; f = fota(); f.httpDownload({urls})\r".encode())
        async with asyncio.timeout(LIMIT_S):
            await module.wait_until(lambda: module.state == "off" or self._is_up(former))

    def _is_up(self, former):
        module = self.bench.module
        is_other = module.runtime is not None and module.runtime is not former
        return is_other and module.state == "running" and module.has_ports

    # ---- pulls -------------------------------------------------------------------------------------------------------

    def _arrange(self):
        """Decide when the power goes away during the next try."""
        way = self.chance.choice(["clock", "staging", "applying", "applying"])
        self.log.append(way)
        if way == "clock":
            self.bench.module.fault(f"cut@{self.chance.uniform(0.005, 1.0):.3f}s")
        elif way == "staging":
            self._arm(self.staging)
        else:
            self._when_booting = lambda: self._arm(self.applying)

    def _arm(self, operations):
        number = self.chance.randrange(operations)
        is_torn = self.chance.random() < 0.6
        self.bench.module.fault(f"tear@{number}:{self.chance.randrange(1000)}" if is_torn else f"cut@{number}")

    def _changed(self, state):
        if state == "booting" and self._when_booting is not None:
            arm, self._when_booting = self._when_booting, None
            arm()

    # ---- what it came to ---------------------------------------------------------------------------------------------

    async def _look(self, to):
        """What runs now is one of the two, whole."""
        bench, pair = self.bench, self.pair
        await bench.up()
        version = (await self.ask("import modem; modem.getDevFwVersion()")).strip("'")
        assert version in pair.versions, self.log
        found = eval(await self.ask("sorted(n for n in uos.listdir('/usr') if n in ('kept.txt', 'one.py', 'two.py'))"))
        scripts = None
        if "one.py" in found:
            texts = {
                name: eval(await self.ask(f"open('/usr/{name}').read()")).encode() for name in ("one.py", "two.py")
            }
            scripts = next(number for number in (0, 1) if texts == pair.scripts(number))
        is_new = (version == pair.versions[to]) if self.kind != "full" else scripts == to
        if self.kind != "full":
            self.at = pair.versions.index(version)
        elif is_new:
            self.at = to
        assert scripts == (to if is_new and self.kind != "diff" else self.scripts), self.log
        self.is_kept = self.is_kept and not (is_new and self.kind != "diff")
        assert ("kept.txt" in found) == self.is_kept, self.log
        if self.is_kept:
            assert await self.ask(f"open('/usr/kept.txt', 'rb').read() == b'kept' * {len(KEPT) // 4}") == "True"
        self.scripts = scripts
        self.done += is_new
        self._heard_of_it(is_new)
        await bench.online()

    def _heard_of_it(self, is_new):
        """One word for each upgrade that came to its end, none about any other."""
        slugs = self.bench.slugs()
        assert slugs.count("virt.update-done") == self.done, self.log
        assert slugs.count("virt.update-told") == self.done, self.log
        assert "virt.update-failed" not in slugs, self.log
        assert not self.bench.module.update.is_due
        if is_new:
            assert self.bench.module.update.result.is_done


async def travel(pair, kind, folder, pulls, seed=1):
    """Go there, back and forth until the power was pulled so often, then home and there once more; gives the journey.

    Without pulls: there and back.
    """
    files = {
        f"/{kind}{to}-{number}": data for to in (0, 1) for number, data in enumerate(pair.files(kind, to))
    }  # fmt: skip
    with serving(files) as (base, _):
        async with updating(pair.module, folder, pair.packages[0]) as bench:
            journey = Journey(bench, pair, kind, base, seed)
            await bench.put("/usr/kept.txt", KEPT)
            await journey.count()
            assert journey.at == 1
            while journey.pulls < pulls:
                await journey.step()
            while journey.at:
                before = journey.at
                await journey.step(pull=False)
                assert journey.at == 1 - before, journey.log
            if pulls:
                await journey.step(pull=False)
                assert journey.at == 1, journey.log
    return journey
