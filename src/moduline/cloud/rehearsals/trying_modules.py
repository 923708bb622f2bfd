"""The task of a rehearsal job on virtual modules. Runs in the job's own process, on files of its folder.

::

    source  update-0 (update-1 ...)  request.json ──▶ progress.json ... proof-0.json page-0.html

Scripts of the packages are run by the virtual modules' interpreters, which the kernel confines, and the network that
those see ends at a server of this process with the files of the update: neither this computer nor any other is there.

Source: docs/spec/rehearsal-proof.md; docs/decisions/0031-rehearsals-on-virtual-modules.md.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from moduline.cloud.jobs.child import tell_progress
from moduline.cloud.rehearsals import module_page, module_proof
from moduline.cloud.rehearsals.delivery import HOST, Delivery, must_be_taken, recognised
from moduline.cloud.rehearsals.file_server import serving
from moduline.cloud.rehearsals.moments import moments
from moduline.cloud.rehearsals.trials import Course, Rehearsal, Trial, Wanted
from moduline.cloud.rehearsals.trying import PAGE, PROOF, SOURCE
from moduline.cloud.rehearsals.ward import Ward
from moduline.delta import Side, read_side
from moduline.delta.side import SCRIPT_ROLE
from moduline.errors import FormatError, InterpreterMissing, NotRehearsable, Text
from moduline.formats.littlefs import read_image
from moduline.vmodule.factory import Firmware, program_package, read_firmware
from moduline.vmodule.facts import ModuleIdentity, identity_of
from moduline.vmodule.interpreter.zygote import Zygote
from moduline.vmodule.world.network_plan import NetworkPlan

UPDATE: Final = "update-{number}"
_NO_MODULE: Final = Text(
    "the source package does not say for which module it is, or that module is not known",
    "源版本包未说明适用的模组，或该模组未知",
)
_BARE: Final = Text("the source is a bare image, not a whole package", "源版本是单个镜像，不是整包")


def work(request: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Rehearse an artifact on virtual modules.

    Args:
        request: of ``service.start_modules``.
        folder: with the source package and the files of the artifact.

    Raises:
        NotRehearsable: no virtual module can try it.
        FormatError: a file is damaged.
    """
    data = (folder / SOURCE).read_bytes()
    files = [(one["name"], (folder / UPDATE.format(number=at)).read_bytes()) for at, one in enumerate(request["files"])]
    delivery = recognised(files)
    side = read_side(data, request["source"]["file"])
    identity = _identity(side)
    must_be_taken(delivery, identity.profile, _scripts_of(side))
    firmware = read_firmware(data, request["source"]["file"])
    course, trials = asyncio.run(_rehearse(request, folder, delivery, identity, firmware))
    about = {"slug": identity.profile.slug, "model": identity.profile.identity.model}
    shown = module_proof.proof_of(request, delivery, data, about, course, trials)
    text = json.dumps(shown, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    (folder / PROOF.format(number=0)).write_text(text, encoding="utf-8")
    (folder / PAGE.format(number=0)).write_text(module_page.page_of(shown), encoding="utf-8")
    known = {name: shown[name] for name in ("is_good", "failed")}
    known |= {"tool": shown["tool"]["version"], "proof_version": shown["version"], "model": about["model"]}
    known |= {"cuts": str(sum(one.cuts > 0 for one in trials)), "pairs": shown["trials"]["again"]}
    return known | {"trials": len(trials), "power_cuts": shown["power_cuts"], "complaint": _complaint(shown)}


async def _rehearse(
    request: Mapping[str, Any], folder: Path, delivery: Delivery, identity: ModuleIdentity, firmware: Firmware
) -> tuple[Course, list[Trial]]:
    total, done = int(request["cuts"]), 0
    tell_progress(folder, done, total)
    try:
        zygote = await Zygote.start()
    except InterpreterMissing as missing:
        raise NotRehearsable(reason=missing.facts["reason"]) from missing

    def program(ward: Ward) -> None:
        program_package(identity, ward.module.file.memory, firmware)

    def hear(_: Trial) -> None:
        nonlocal done
        done += 1
        tell_progress(folder, done, total)

    try:
        async with serving(delivery.files) as port:
            plan = NetworkPlan(aliases={HOST: "127.0.0.1"}, is_isolated=True)
            place = folder / "modules"
            rehearsal = Rehearsal(
                delivery,
                Wanted(request["versions"]["source"], request["versions"]["target"]),
                program,
                lambda where, cells: Ward(identity, where, zygote, plan, cells),
                port,
                place,
            )
            course = await rehearsal.undisturbed()
            if course.complaint is not None:
                return course, []
            wanted = moments(course.operations, total, int(request["seed"]))
            return course, await rehearsal.try_all(course, wanted, hear)
    finally:
        await zygote.close()


def _identity(side: Side) -> ModuleIdentity:
    """The module that the source package is for."""
    if side.is_raw:
        raise NotRehearsable(reason=_BARE)
    if side.profile is None:
        raise NotRehearsable(reason=_NO_MODULE)
    return identity_of(side.profile.slug, "rehearsal")


def _scripts_of(side: Side) -> list[str]:
    """Names of the files of ``/usr`` in a package."""
    part = side.part(SCRIPT_ROLE)
    if part is None or not part.data:
        return []
    try:
        return [name for name, data in read_image(part.data).entries if data is not None]
    except FormatError:
        return []


def _complaint(shown: Mapping[str, Any]) -> Mapping[str, str] | None:
    """The first thing that was wrong, for lists; None: nothing was."""
    if shown["undisturbed"]["complaint"]:
        found: Mapping[str, str] = shown["undisturbed"]["complaint"]
        return found
    return shown["failures"][0]["complaint"] if shown["failures"] else None
