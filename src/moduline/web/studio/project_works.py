"""What jobs of the project page do: merge a project into a stock package, and run it on a virtual module."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from moduline.digest import sha256_hex
from moduline.events import Notice, Step
from moduline.image.protect import compiled_path
from moduline.package import FirmwarePackage, read_package
from moduline.package.convert import suffix_of
from moduline.release import firmware, firmware_recipe, keeping, output
from moduline.release.produce import Options, Produced, finish, prepare
from moduline.testing.project import load_project
from moduline.testing.trial import try_project
from moduline.web import host_files
from moduline.web.studio.files_works import OUTPUT
from moduline.web.work import Job
from moduline.web.work.runner import Work

BUILD: Final = "project.build"
TRIAL: Final = "project.trial"
STOCK_FOLDER: Final = "firmware"
OUT_FOLDER: Final = "out"


def build_work(folder: str, base: str, to: str) -> Work:
    """Merges a project into a stock package, exactly as ``pack build`` does, and keeps what comes out.

    Args:
        folder: the project.
        base: stock package.
        to: folder that gets the package; all three below the Studio's folder.
    """

    async def work(job: Job) -> dict[str, Any]:
        stock = host_files.resolve(base)
        job.report(Step("project.read", "begin"))
        data = keeping.read_base(stock)
        job.report(Step("project.prepare", "begin"))
        prepared = prepare(host_files.resolve(folder), data, Options(made_at=keeping.now_in_names()), stock.name)
        for remark in prepared.remarks:
            facts = {"path": remark.path, "line": remark.line, "slug": remark.slug}
            job.report(Notice(f"project.remark-{remark.severity}", facts=facts))
        job.report(Step("project.merge", "begin"))
        produced = finish(prepared)
        place = host_files.resolve(to) / produced.name
        output.must_not_be(place, stock)
        job.report(Step("project.write", "begin"))
        keeping.keep(produced, place)
        return built_facts(produced, place, base)

    return work


def built_facts(produced: Produced, place: Path, base: str) -> dict[str, Any]:
    """What came out, as kept with the job.

    Args:
        produced: the package.
        place: where it is.
        base: stock package, as pages name it.
    """
    prepared = produced.prepared
    encrypted = {compiled_path(path) for path in prepared.scripts}
    backed_up = set(prepared.backed_up)
    return {
        "path": host_files.shown(place),
        "base": base,
        "bytes": len(produced.data),
        "sha256": sha256_hex(produced.data),
        "title": prepared.project.title,
        "twins": len(produced.twins),
        "decisions": [
            {"name": one.name, "value": one.value} | {lang: one.reason.say(lang, **one.facts) for lang in ("en", "zh")}
            for one in prepared.decisions
        ],
        "user": [
            {"path": path, "bytes": len(data), "is_encrypted": path in encrypted, "is_backed_up": path in backed_up}
            for path, data in produced.trees.user.files().items()
        ],
        "backup": [{"path": path, "bytes": len(data)} for path, data in produced.trees.backup.files().items()],
        "free": [produced.images.user_free_bytes, produced.images.backup_free_bytes],
        "parts": _manifest(prepared.base, read_package(produced.data, produced.name)),
    }


def _manifest(before: FirmwarePackage, after: FirmwarePackage) -> list[dict[str, Any]]:
    known = {(part.name, part.role): part.data for part in before.parts}
    return [
        {
            "name": part.name,
            "role": part.role,
            "bytes": len(part.data),
            "sha256": sha256_hex(part.data) if part.data else "",
            "is_new": known.get((part.name, part.role)) != part.data,
        }
        for part in after.parts
    ]


def stock_firmware(module: str) -> str:
    """The stock package of our own virtual firmware, as a file below the Studio's folder; its path.

    Raises:
        BadOption: there is none for this module.
        StorageFailed: it cannot be written.
    """
    shell = firmware.native_shell(module)
    data = firmware.firmware_file(module, shell)
    path = f"{STOCK_FOLDER}/{firmware_recipe.find_recipe(module).version}.{suffix_of(shell)}"
    output.write_whole(host_files.resolve(path), data)
    return path


def trial_work(folder: str) -> Work:
    """Runs a project on a virtual module of its own, until main.py ends or somebody cancels."""

    async def work(job: Job) -> dict[str, Any]:
        job.report(Step("project.trial", "begin"))
        loaded = load_project(host_files.resolve(folder))
        await try_project(loaded, lambda line: job.tell(Notice(OUTPUT, facts={"text": line})))
        return {"module": loaded.module}

    return work
