"""The update unit of one module: staging while scripts run, applying at power-on.

::

    staging (RAM)  begin ─▶ write ... ─▶ flush ─▶ accept ──▶ record "state": accepted
    power-on       accepted ─▶ checked again ─▶ begun ─▶ sectors ... ─▶ stage done ─▶ restart ─▶ next stage
                   begun, all stages done ─▶ done ─▶ restart ─▶ confirmed by hash ─▶ record "result", boot

The first byte of a new package withdraws an acceptance before anything is erased. Applying needs nothing but the staged
package: every sector of a region is compared with what shall be there and rewritten when it differs, so any number of
power cuts, torn ones too, only cost time. A region whose patch reads the old content is renewed in place, with the
flash behind the packages as spare (``delta.steps``). A damaged package, other content than the patch was made from, or
a firmware that was burnt in between, end the update: what is there stays, the result says why.

Source: device-api 7.2 to 7.5, 14.5 (T54); style H11; delta.md 4.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from moduline.delta import codecs
from moduline.delta.journal import Region
from moduline.delta.renew import renew
from moduline.errors import FormatError, ModulineError, PatchMisfit, SpareTooSmall, Text
from moduline.formats import patch
from moduline.formats.patch import Patch, PatchRegion
from moduline.nor.flash import Flash
from moduline.vmodule.facts import ModuleIdentity
from moduline.vmodule.file_store import FileStore
from moduline.vmodule.update.acceptance import Abilities, Acceptance
from moduline.vmodule.update.store import FilesStore, PackageWriter, PartitionStore, UpdateStore

STATE: Final = "state"
RESULT: Final = "result"
MAX_TRIES: Final = 3
STORE_ROLE: Final = "update_store"


@dataclass(frozen=True, slots=True)
class UpdateResult:
    """How the last update ended; read by the firmware that runs afterwards.

    Attributes:
        is_done: the new content is there and was compared.
        kind: ``diff``, ``full`` or ``mini``.
        source: version before.
        target: version it leads to.
        reason: slug of what went wrong; empty when done.
    """

    is_done: bool
    kind: str
    source: str
    target: str
    reason: str = ""


RESULT_FIELDS: Final = tuple(UpdateResult.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class SectorDone:
    """One sector of a region holds what it shall; bytes of the whole stage."""

    role: str
    done_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class RestartDue:
    """The boot code restarts the module; ``stage`` of ``stage_count`` is over."""

    stage: int
    stage_count: int


@dataclass(frozen=True, slots=True)
class UpdateOver:
    """Nothing is left to do; the module boots."""

    result: UpdateResult


BootStep = SectorDone | RestartDue | UpdateOver


@dataclass(slots=True)
class _Staged:
    """A package on its way into the flash."""

    at: int
    writer: PackageWriter
    size: int = 0


class UpdateUnit:
    """Staging and applying of one module.

    Args:
        identity: which module it is.
        flash: its flash.
        files: its own file system, where the store is when it has no partition for it.
        abilities: what its firmware takes.
    """

    def __init__(self, identity: ModuleIdentity, flash: Flash, files: FileStore, abilities: Abilities) -> None:
        place = identity.profile.partition(STORE_ROLE)
        self._store: UpdateStore = (
            PartitionStore(flash, identity.offset_of(place), place.size_bytes) if place else FilesStore(files)
        )
        self._flash = flash
        self._unit = flash.geometry.erase_bytes
        self._acceptance = Acceptance(identity, flash, abilities)
        self._staged: list[_Staged] = []

    # ---- staging -----------------------------------------------------------------------------------------------------

    @property
    def room_bytes(self) -> int:
        """Bytes for packages."""
        return self._store.room_bytes

    @property
    def staged_bytes(self) -> int:
        """Bytes of the package that is being staged."""
        return self._staged[-1].size if self._staged else 0

    def begin(self, *, is_next: bool = False) -> None:
        """Start a package; ``is_next`` adds a stage to the one before, otherwise all before is forgotten.

        Raises:
            FlashCut: the power went away.
        """
        if not is_next:
            self.forget()
            self._store.drop(STATE)
        last = self._staged[-1] if self._staged else None
        at = self._store.next_place(last.at + last.size) if last is not None else 0
        self._staged.append(_Staged(at, self._store.writer(at)))

    def write(self, data: bytes) -> None:
        """The next bytes of the package.

        Raises:
            TooBig: no room; the package is forgotten.
            FlashCut: the power went away.
        """
        staged = self._staged[-1]
        try:
            staged.writer.write(data)
        except ModulineError:
            self.forget()
            raise
        staged.size += len(data)

    def flush(self) -> None:
        """The rest in RAM goes to the flash.

        Raises:
            TooBig: no room.
            FlashCut: the power went away.
        """
        for staged in self._staged:
            staged.writer.flush()

    def forget(self) -> None:
        """What was staged in this life and not accepted does not count."""
        self._staged.clear()

    def accept(self, running_version: str) -> tuple[Patch, ...]:
        """Check what was staged, as it lies in the flash, and have it applied at the next power-on.

        Raises:
            ModulineError: it may not be applied; see ``Acceptance.check``. It is forgotten then.
            FlashCut: the power went away.
        """
        self.flush()
        packages = [self._store.read(one.at, one.size) for one in self._staged]
        places: list[list[Any]] = [
            [one.at, one.size, hashlib.sha256(data).hexdigest()]
            for one, data in zip(self._staged, packages, strict=True)
        ]
        self.forget()
        end = max(at + size for at, size, _ in places) if places else 0
        patches = self._acceptance.check(packages, running_version, self._store.spare(end))
        first = patches[0]
        state = {
            "phase": "accepted",
            "kind": first.kind,
            "source": running_version,
            "target": first.target_version,
            "packages": places,
            "stage": 0,
            "tries": 0,
        }
        self._store.put(STATE, state)
        return patches

    # ---- power-on ----------------------------------------------------------------------------------------------------

    @property
    def is_due(self) -> bool:
        """Whether the boot code has something to do."""
        return self._store.get(STATE) is not None

    @property
    def is_applying(self) -> bool:
        """Whether what it has to do includes renewing something, not only comparing."""
        state = self._store.get(STATE)
        return state is not None and state.get("phase") != "done"

    @property
    def result(self) -> UpdateResult | None:
        """How the last update ended; None when there was none."""
        record = self._store.get(RESULT)
        try:
            return UpdateResult(**{name: record[name] for name in RESULT_FIELDS}) if record is not None else None
        except KeyError:
            return None

    def take_result(self) -> UpdateResult | None:
        """How the update ended, for the firmware that runs after it; None when an earlier boot has taken it.

        Raises:
            FlashCut: the power went away; nothing was given.
        """
        record, result = self._store.get(RESULT), self.result
        if record is None or result is None or not record.get("is_new"):
            return None
        self._store.put(RESULT, record | {"is_new": False})
        return result

    def boot(self, found_version: str | None) -> Iterator[BootStep]:
        """What the boot code does now, step by step; after ``RestartDue`` or ``UpdateOver`` nothing more comes.

        Args:
            found_version: of the system that could boot as it is; None when none could.

        Raises:
            FlashCut: the power went away; the next power-on goes on.
        """
        state = self._store.get(STATE)
        if state is None:
            return
        try:
            patches = self._patches(state)
            self._must_be_ours(state, patches, found_version)
            if state["phase"] == "accepted":
                for one in patches:
                    for region in one.regions:
                        self._acceptance.must_be_old(region)
                state["phase"] = "begun"
                self._store.put(STATE, state)
            if state["phase"] == "begun":
                yield from self._apply(state, patches)
            else:
                yield from self._confirm(state, patches)
        except PatchMisfit as misfit:
            yield self._end(state, str(misfit.facts.get("slug", "source-changed")))
        except SpareTooSmall:
            yield self._end(state, "spare-too-small")
        except (FormatError, KeyError, TypeError, ValueError, IndexError):
            yield self._end(state, "package-damaged")

    def _apply(self, state: dict[str, Any], patches: tuple[Patch, ...]) -> Iterator[BootStep]:
        """Renew the regions of one stage, then restart."""
        stage = int(state["stage"])
        current = patches[stage]
        total = sum(region.new_bytes for region in current.regions)
        done = 0
        for region in current.regions:
            for count in self._renew(state, region):
                yield SectorDone(region.role, done + count, total)
            done += region.new_bytes
        if not all(self._is_new(region) for region in current.regions):
            yield from self._try_again(state)
            return
        state["stage"] = stage + 1
        if stage + 1 == len(patches):
            state["phase"] = "done"
        self._store.put(STATE, state)
        yield RestartDue(stage + 1, len(patches))

    def _renew(self, state: dict[str, Any], region: PatchRegion) -> Iterator[int]:
        """One region: in place, or as a whole; gives the bytes done."""
        if not codecs.codec_of(region.codec).is_whole:
            spare = self._store.spare(max(int(at) + int(size) for at, size, _ in state["packages"]))
            for step in self._acceptance.in_place(region, spare).steps():
                yield region.new_bytes * step.done // step.total
            return
        new = codecs.decode(region)
        size = -(-len(new) // self._unit) * self._unit
        yield from renew(Region(self._flash, self._acceptance.place_of(region), size), new)

    def _confirm(self, state: dict[str, Any], patches: tuple[Patch, ...]) -> Iterator[BootStep]:
        """First boot after the last stage: compare once more, then the new firmware may run."""
        if not all(self._is_new(region) for one in patches for region in one.regions):
            yield from self._try_again(state)
            return
        yield self._end(state, "")

    def _try_again(self, state: dict[str, Any]) -> Iterator[BootStep]:
        """The flash does not hold what was written: from the beginning, a few times."""
        state["tries"] = int(state["tries"]) + 1
        if state["tries"] >= MAX_TRIES:
            yield self._end(state, "verify-failed")
            return
        state["phase"], state["stage"] = "begun", 0
        self._store.put(STATE, state)
        yield RestartDue(0, len(state["packages"]))

    def _is_new(self, region: PatchRegion) -> bool:
        return self._acceptance.is_there(region, region.new_bytes, region.new_sha256)

    def _patches(self, state: dict[str, Any]) -> tuple[Patch, ...]:
        """The accepted packages, as they lie in the flash; compared with what was accepted."""
        patches = []
        for at, size, sha256 in state["packages"]:
            data = self._store.read(int(at), int(size))
            if hashlib.sha256(data).hexdigest() != sha256:
                raise ValueError(sha256)
            patches.append(patch.read(data))
        return tuple(patches)

    def _must_be_ours(self, state: dict[str, Any], patches: tuple[Patch, ...], found_version: str | None) -> None:
        """Stop when somebody burnt another firmware since the package was accepted.

        Half-renewed content cannot boot, so a system that can is the old one, the new one, or foreign.
        """
        if found_version is None:
            return
        system = next((region for one in patches if (region := one.region("system")) is not None), None)
        if system is not None:
            olds = self._acceptance.is_there(system, system.old_bytes, system.old_sha256)
            is_ours = olds or self._is_new(system)
        else:
            is_ours = found_version in {state["source"], state["target"]}
        if not is_ours:
            raise PatchMisfit(reason=Text("another firmware was burnt", "已烧录其他固件"), slug="burnt-over")

    def _end(self, state: dict[str, Any], reason: str) -> UpdateOver:
        """Write the result, then forget the update; in this order, so that a cut in between repeats the last check."""
        words = {name: str(state.get(name, "")) for name in ("kind", "source", "target")}
        result = UpdateResult(is_done=not reason, reason=reason, **words)
        self._store.put(RESULT, {name: getattr(result, name) for name in RESULT_FIELDS} | {"is_new": True})
        self._store.drop(STATE)
        return UpdateOver(result)
