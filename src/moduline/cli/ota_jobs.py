"""``ota job`` and ``ota rehearsal``: what the platform makes by itself, and what was proved."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.markup import escape

from moduline.cli.language import current, say
from moduline.cli.ota_client import SERVER, OtaClient, ServerOption, TokenOption
from moduline.cli.ota_finding import PackageArgument, find_package, noun, shown_time
from moduline.cli.ota_rehearsals import complaint_of, must_have_passed
from moduline.cli.output import JsonFlag, note, print_facts, print_json, print_table
from moduline.errors import JobBroken, NoSuchObject, Text, leaves

LOOK_EVERY_S: Final = 1.0
JobArgument = Annotated[int, typer.Argument(metavar="JOB", help=say("its number", "任务编号"))]
WaitOption = Annotated[bool, typer.Option("--wait", help=say("until it is over", "等待任务结束"))]
_REHEARSAL: Final = Text("rehearsal", "演练记录")


def register_jobs(ota: typer.Typer) -> None:
    """Add the nouns."""
    job = noun(ota, "job", say("Patches and rehearsals that wait, run or are over.", "差分与演练任务。"))
    _register_list(job)
    _register_show(job)
    _register_wait(job)
    _register_cancel(job)
    rehearsal = noun(ota, "rehearsal", say("Patches proved under power cuts.", "断电演练与证明。"))
    _register_start(rehearsal)
    _register_proofs(rehearsal)
    _register_proof(rehearsal)


def finish(client: OtaClient, job: dict[str, Any], *, wait: bool, as_json: bool) -> None:
    """Show a job that was asked for; with ``wait``, once it is over.

    Raises:
        ModulineError: it failed: the error is its reason.
        TestsFailed: a rehearsal was done, and the update did not survive it.
    """
    said = ""
    while wait and job["state"] in {"queued", "running"}:
        now = f"{job['state']} {_progress(job)}".strip()
        if now != said:
            note("job {id}: {state}", "任务 {id}：{state}", id=job["id"], state=now)
            said = now
        time.sleep(LOOK_EVERY_S)
        job = client.get(f"/v1/jobs/{job['id']}")
    if wait and job["state"] == "failed":
        raise _failure(job)
    if as_json:
        print_json({"ok": True, **job})
        if wait:
            must_have_passed(job)
        return
    facts = {"id": job["id"], "kind": job["kind"], "state": job["state"], "progress": _progress(job)}
    facts |= {name: shown_time(job[name]) for name in ("created_at", "begun_at", "ended_at")}
    reason = job["reason"]
    if reason:
        facts["reason"] = f"{reason['code']} {reason[current()]}"
    facts |= {name: value for name, value in (job["result"] or {}).items() if not isinstance(value, dict | list)}
    facts |= complaint_of(job)
    print_facts({name: escape(str(value)) for name, value in facts.items()}, as_json=False)
    if wait:
        must_have_passed(job)


def _register_list(job: typer.Typer) -> None:
    @job.command(
        "list",
        help=say(
            "Jobs, oldest first. Example: moduline ota job list --state running",
            "列出任务。示例：moduline ota job list --state running",
        ),
    )
    def list_jobs(
        kind: Annotated[str, typer.Option("--kind", metavar="patch|rehearsal|module-rehearsal")] = "",
        state: Annotated[str, typer.Option("--state", metavar="queued|running|done|failed|cancelled")] = "",
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        found = list(OtaClient(server, token).every("/v1/jobs", kind=kind, state=state))
        if as_json:
            print_json({"ok": True, "jobs": found})
            return
        rows = [
            (
                one["id"],
                one["kind"],
                one["state"],
                one["author"],
                shown_time(one["created_at"]),
                (one["reason"] or {}).get(current(), "") or _progress(one),
            )
            for one in found
        ]
        columns = [say("kind", "类型"), say("state", "状态"), say("by", "发起人"), say("asked", "创建时间")]
        print_table(["ID", *columns, ""], [tuple(escape(str(cell)) for cell in row) for row in rows])


def _register_show(job: typer.Typer) -> None:
    @job.command(
        help=say(
            "One job: its result, or why it failed. Example: moduline ota job show 7",
            "显示任务结果或失败原因。示例：moduline ota job show 7",
        )
    )
    def show(
        number: JobArgument, server: ServerOption = SERVER, token: TokenOption = None, as_json: JsonFlag = False
    ) -> None:
        client = OtaClient(server, token)
        finish(client, client.get(f"/v1/jobs/{number}"), wait=False, as_json=as_json)


def _register_wait(job: typer.Typer) -> None:
    @job.command(
        help=say(
            "Wait until a job is over; if it failed, that is the error. Example: moduline ota job wait 7",
            "等待任务结束，失败时以其原因退出。示例：moduline ota job wait 7",
        )
    )
    def wait(
        number: JobArgument, server: ServerOption = SERVER, token: TokenOption = None, as_json: JsonFlag = False
    ) -> None:
        client = OtaClient(server, token)
        finish(client, client.get(f"/v1/jobs/{number}"), wait=True, as_json=as_json)


def _register_cancel(job: typer.Typer) -> None:
    @job.command(
        help=say(
            "Do not do it; one that runs ends within a moment. Example: moduline ota job cancel 7",
            "取消任务，正在执行的随即结束。示例：moduline ota job cancel 7",
        )
    )
    def cancel(
        number: JobArgument, server: ServerOption = SERVER, token: TokenOption = None, as_json: JsonFlag = False
    ) -> None:
        made = OtaClient(server, token).post(f"/v1/jobs/{number}/cancel")
        print_facts({"id": made["id"], "state": made["state"], "is_unwanted": made["is_unwanted"]}, as_json=as_json)


def _register_start(rehearsal: typer.Typer) -> None:
    @rehearsal.command(
        help=say(
            "Have a package applied while the power is cut: by virtual modules that boot the version before, or, for a "
            "patch alone, on virtual flash. Example: moduline ota rehearsal start fw-v1-v2 --cuts 60 --wait",
            "断电演练：由启动旧版本的虚拟模组升级，或仅在虚拟闪存上演练差分包。"
            "示例：moduline ota rehearsal start fw-v1-v2 --cuts 60 --wait",
        )
    )
    def start(
        package: PackageArgument,
        on: Annotated[str, typer.Option("--on", metavar="module|flash", help=say("where", "演练对象"))] = "module",
        source: Annotated[
            str, typer.Option("--source", help=say("package of what runs before; flash: needed", "升级前的整包"))
        ] = "",
        cuts: Annotated[
            str, typer.Option("--cuts", metavar="N|all", help=say("modules, or operations", "断电次数"))
        ] = "",
        pairs: Annotated[
            int, typer.Option("--pairs", help=say("flash: further cuts while it recovers", "闪存：恢复中再次断电"))
        ] = 1000,
        seed: Annotated[
            int | None, typer.Option("--seed", help=say("modules: decides the moments", "模组：决定断电时刻"))
        ] = None,
        store: Annotated[
            str, typer.Option("--store", metavar="fp|fs", help=say("flash: of the patch", "闪存：差分包位置"))
        ] = "fp",
        wait: WaitOption = False,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        body: dict[str, Any] = {"on": on, "cuts": cuts}
        if source:
            body["source"] = find_package(client, source)["id"]
        if on == "flash":
            body |= {"pairs": pairs, "store": store}
        elif seed is not None:
            body["seed"] = seed
        job = client.post(f"/v1/artifacts/{find_package(client, package)['id']}/rehearsals", body)
        finish(client, job, wait=wait, as_json=as_json)


def _register_proofs(rehearsal: typer.Typer) -> None:
    @rehearsal.command(
        "list",
        help=say(
            "What was shown of a package, newest first. Example: moduline ota rehearsal list fw-v1-v2",
            "列出版本包的演练记录，新的在前。示例：moduline ota rehearsal list fw-v1-v2",
        ),
    )
    def list_rehearsals(
        package: PackageArgument, server: ServerOption = SERVER, token: TokenOption = None, as_json: JsonFlag = False
    ) -> None:
        client = OtaClient(server, token)
        found = list(client.every(f"/v1/artifacts/{find_package(client, package)['id']}/rehearsals"))
        if as_json:
            print_json({"ok": True, "rehearsals": found})
            return
        rows = [
            (
                one["id"],
                one["position"],
                say("flash", "闪存") if one["kind"] == "flash" else say("modules", "模组"),
                say("good", "通过") if one["is_good"] else say("failed", "未通过"),
                say("yes", "是") if one["counts"] else say("no", "否"),
                one["trials"],
                one["failed"],
                shown_time(one["rehearsed_at"]),
            )
            for one in found
        ]
        columns = [
            say("file", "文件"),
            say("on", "方式"),
            say("result", "结果"),
            say("counts", "有效"),
            say("trials", "次数"),
        ]
        print_table(["ID", *columns], rows)


def _register_proof(rehearsal: typer.Typer) -> None:
    @rehearsal.command(
        help=say(
            "The proof, as JSON or as a page; without a number the newest one. "
            "Example: moduline ota rehearsal proof fw-v1-v2 --page -o proof.html",
            "导出演练证明（JSON 或网页），默认最新一份。"
            "示例：moduline ota rehearsal proof fw-v1-v2 --page -o proof.html",
        )
    )
    def proof(
        package: PackageArgument,
        number: Annotated[int, typer.Argument(metavar="[ID]", help=say("of the rehearsal", "演练编号"))] = 0,
        page: Annotated[bool, typer.Option("--page", help=say("for people", "网页"))] = False,
        file: Annotated[
            Path | None, typer.Option("-o", "--output", metavar="FILE", help=say("none: stdout", "默认标准输出"))
        ] = None,
        server: ServerOption = SERVER,
        token: TokenOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        client = OtaClient(server, token)
        place = f"/v1/artifacts/{find_package(client, package)['id']}/rehearsals"
        found = [one["id"] for one in client.every(place) if number in {0, one["id"]}]
        if not found:
            raise NoSuchObject(kind=_REHEARSAL, name=str(number or package))
        count = client.fetch(f"{place}/{found[0]}/{'page' if page else 'proof'}", file)
        if file is not None:
            print_facts({"id": found[0], "file": str(file), "bytes": count}, as_json=as_json)


def _progress(job: dict[str, Any]) -> str:
    """How far it is, where it says so."""
    known = job.get("progress")
    return f"{known['done']}/{known['total']}" if known else ""


def _failure(job: dict[str, Any]) -> Exception:
    """Why a job failed, as the error that it was."""
    reason = job["reason"] or {"code": "", "en": "", "zh": ""}
    kinds = {leaf.code: leaf for leaf in leaves()}
    try:
        facts = {name: Text(**one) if isinstance(one, dict) else one for name, one in reason["facts"].items()}
        return kinds[reason["code"]](**facts)
    except (KeyError, TypeError):
        return JobBroken(reason=Text(str(reason["en"]), str(reason["zh"])))
