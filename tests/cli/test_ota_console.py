"""Every act of the console as a command, against one platform; the audit log says that none was forgotten."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys

import pytest
import typer

from cloud_hand import CloudHand
from moduline.cli.main import build_app, run
from moduline.cli.ota_client import OtaClient
from moduline.cloud.edge import PERMISSIONS, error_frame
from moduline.errors import ModulineError, ServerUnreachable
from ota_site import OtaSite
from update_rig import NEW, OLD, firmware

OF_BROWSERS = {"login", "logout", "password.change"}
"""Done by pages only: commands come with a token, whose owner an admin gives a password by ``account password``."""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = OtaSite(tmp_path_factory.mktemp("console") / "ota", webhook_networks=("127.0.0.0/8",), jobs=0)
    yield site
    site.stop()


@pytest.fixture(scope="module")
def tree():
    """The commands, made once: a tenth of a second each time."""
    return typer.main.get_command(build_app("ota"))


@pytest.fixture
def ask(site, tree, capsys):
    """Types an ``ota`` command with ``--json``; gives the object, or the error as it would be printed."""

    def asked(*words, exit_code=0, token=None, to=site):
        place = ("--server", to.addresses.api, "--token-file", token or str(to.settings.data / "admin.token"))
        args = ["ota", *map(str, words), *place, "--json"]
        failure = None
        try:
            tree.main(args, prog_name="moduline", standalone_mode=False)
        except ModulineError as raised:
            failure = raised
        printed = capsys.readouterr()
        assert (failure.exit_code if failure else 0) == exit_code, (failure, printed)
        return error_frame(failure) if failure else json.loads(printed.out)

    return asked


@pytest.fixture(scope="module")
def makers(tmp_path_factory):
    """A platform that does jobs."""
    site = OtaSite(tmp_path_factory.mktemp("makers") / "ota", webhook_networks=("127.0.0.0/8",))
    yield site
    site.stop()


@pytest.fixture
def hand(site):
    return CloudHand(site)


def package(ask, tmp_path, name, target, content, *more):
    file = tmp_path / f"{name}.bin"
    file.write_bytes(content)
    return ask("package", "add", name, file, "--target", target, *more)


def test_console_when_all_of_it_is_worked_then_nothing_lacks_a_command(ask, hand, tmp_path, capsys):
    """Every right of the table is used by some command, and each change is in the audit log."""
    of_products(ask)
    of_devices(ask, tmp_path)
    of_accounts(ask, tmp_path)
    of_packages(ask, tmp_path)
    of_plans(ask, hand, tmp_path)
    of_webhooks(ask)
    done = {one["verb"] for one in ask("audit")["entries"]}
    assert set(PERMISSIONS) - done == OF_BROWSERS
    assert [one["verb"] for one in ask("audit", "--kind", "webhook", "--account", "admin")["entries"]]
    assert not ask("audit", "--account", "nobody")["entries"]


def of_products(ask):
    ask("product", "create", "meter")
    ask("product", "create", "gone")
    shown = ask("product", "set", "gone", "--set", "grid_s=300", "--dry-run")
    assert (shown["before"]["grid_s"], shown["settings"]) == (600, {"grid_s": 300})
    made = ask("product", "set", "gone", "--set", "grid_s=300", "--set", "scheme=https", "--name", "going")
    assert (made["name"], made["grid_s"], made["scheme"]) == ("going", 300, "https")
    assert ask("product", "set", "going", "--set", "grid_s=7", exit_code=2)["code"] == "ML-E0208"
    assert ask("product", "set", "going", "--set", "nonsense=7", exit_code=2)["code"] == "ML-E0208"
    assert ask("product", "polling", "going", "--set", "poll_s=60")["poll_s"] == 60
    assert ask("product", "polling", "going")["poll_s"] == 60
    assert len(ask("product", "secret", "going")["ps"]) == 16
    assert ask("product", "delete", "going", exit_code=16)["code"] == "ML-E1601"
    assert ask("product", "delete", "going", "--dry-run")["is_removed"] is False
    assert ask("product", "delete", "going", "--yes")["is_removed"] is True
    assert ask("product", "secret", "going", exit_code=2)["code"] == "ML-E0207"


def of_devices(ask, tmp_path):
    ask("device", "add", "a1", "--product", "meter")
    ask("device", "set", "a1", "--tag", "pilot", "--tag", "site=Berlin", "--off", "--cell", "c-7")
    found = ask("device", "show", "a1")
    assert (found["tags"], found["is_enabled"], found["cell"]) == ({"pilot": "", "site": "Berlin"}, False, "c-7")
    table = tmp_path / "units.csv"
    rows = ["imei,outcome,order,version_after"]
    rows += [f"86000000000000{at},PASS,A-17,V1" for at in range(3)] + ["860000000000009,FAIL,A-17,V1"]
    table.write_text("\r\n".join(rows), encoding="utf-8-sig")
    fleet = tmp_path / "fleet.jsonl"
    fleet.write_text('{"dk": "moved", "ds": "0011"}')
    assert ask("device", "import", fleet, "--product", "meter")["secrets_set"] == 1
    ask("export", "devices", "--secrets", "-o", tmp_path / "leaving.csv")
    ask("device", "delete", "moved", "--yes")
    asked = ("device", "move", "--product", "meter", "--to", "ota.example.com:1883")
    planned = ask(*asked, "--dry-run")
    assert (planned["told"], planned["is_done"]) == (0, False)
    assert ask("device", "move", "a1", "--to", "nowhere", exit_code=2)["code"] == "ML-E0201"
    assert ask("device", "move", "--to", "x:1", exit_code=2)["code"] == "ML-E0201"
    assert ask("device", "move", "a1", "--to", "999.1.1.1:1883", exit_code=2)["code"] == "ML-E0208"
    words = ("device", "import", table, "--product", "meter")
    assert ask(*words, "--dry-run")["units"] == 3
    assert ask(*words)["new"] == 3
    assert (ask(*words)["new"], ask(*words)["known"]) == (0, 3)
    words = ("device", "list", "--product", "meter", "--filter", "attr.line.order==A-17;version<2")
    assert [one["dk"][-1] for one in ask(*words)["devices"]] == ["0", "1", "2"]
    assert ask(*words, "--count")["count"] == 3
    words = ("device", "tag", "--product", "meter", "--filter", "attr.line.order==A-17", "--tag", "north")
    assert (ask(*words, "--dry-run")["devices"], ask(*words, "--yes")["changed"]) == (3, 3)
    assert ask("device", "list", "--tag", "north", "--count")["count"] == 3
    assert ask("device", "list", "--filter", "nonsense", exit_code=2)["code"] == "ML-E0208"
    assert ask("device", "token", "a1")["token"] != ask("device", "token", "a1")["token"]
    assert ask("device", "token", "a1", "--revoke")["is_revoked"]
    ask("device", "add", "b1", "--product", "meter")
    assert ask("device", "delete", "b1", "--yes")["is_removed"]
    assert ask("device", "show", "b1", exit_code=2)["code"] == "ML-E0207"


def of_accounts(ask, tmp_path):
    ask("account", "create", "mei", "--role", "viewer")
    assert ask("account", "set", "mei", "--role", "releaser")["role"] == "releaser"
    made = ask("token", "create", "meis", "--account", "mei", "--role", "releaser", "--days", "30")
    file = tmp_path / "mei.token"
    file.write_text(made["token"])
    assert ask("product", "create", "no", exit_code=15, token=str(file))["code"] == "ML-E1511"
    ask("account", "set", "mei", "--off")
    assert ask("product", "list", exit_code=15, token=str(file))["code"] == "ML-E1510"
    ask("account", "set", "mei", "--on")
    assert {one["name"] for one in ask("account", "list")["accounts"]} == {"admin", "mei"}
    spare = ask("token", "create", "spare")
    ask("token", "revoke", spare["id"])
    (revoked,) = [one for one in ask("token", "list")["tokens"] if one["id"] == spare["id"]]
    assert revoked["revoked_at"]
    word = tmp_path / "mei.password"
    word.write_text("correct horse battery\n")
    assert ask("account", "password", "mei", "--password-file", word)["has_password"]


def of_packages(ask, tmp_path):
    package(ask, tmp_path, "fw-v1", "V1", b"one" * 100)
    package(ask, tmp_path, "fw-v2", "V2", b"two" * 100)
    package(ask, tmp_path, "fw-gone", "V9", b"nine")
    package(ask, tmp_path, "fw-v1-v2", "V2", b"delta", "--source", "V1")
    assert ask("package", "set", "fw-v2", "--remark", "for the north")["remark"] == "for the north"
    assert ask("package", "show", "fw-v2")["files"][0]["bytes"] == 300
    ask("package", "get", "fw-v2", "-o", tmp_path / "got")
    assert (tmp_path / "got" / "fw-v2.bin").read_bytes() == b"two" * 100
    assert ask("package", "delete", "fw-gone", "--yes")["is_removed"]
    job = ask("package", "patch", "fw-v1", "fw-v2", "--kind", "diff", "--name", "made")
    assert (job["kind"], job["state"], job["author"]) == ("patch", "queued", "admin")
    assert [one["id"] for one in ask("job", "list", "--state", "queued")["jobs"]] == [job["id"]]
    ask("job", "cancel", job["id"])
    assert ask("job", "show", job["id"])["state"] == "cancelled"
    assert ask("job", "cancel", job["id"], exit_code=15)["code"] == "ML-E1513"
    assert ask("job", "list", "--state", "nonsense", exit_code=2)["code"] == "ML-E0208"
    assert ask("package", "patch", "fw-v1", "fw-v1", exit_code=2)["code"] == "ML-E0208"
    tried = ask(
        "rehearsal", "start", "fw-v1-v2", "--on", "flash", "--source", "fw-v1", "--cuts", "100", "--pairs", "10"
    )
    assert (tried["kind"], tried["request"]["cuts"]) == ("rehearsal", "100")
    assert ask("rehearsal", "start", "fw-v1-v2", "--on", "flash", exit_code=2)["facts"]["field"] == "source"
    assert ask("rehearsal", "start", "fw-v1-v2", "--cuts", "x", exit_code=2)["facts"]["field"] == "cuts"
    assert ask("rehearsal", "list", "fw-v1-v2")["rehearsals"] == []
    assert ask("rehearsal", "proof", "fw-v1-v2", exit_code=2)["code"] == "ML-E0207"


def of_plans(ask, hand, tmp_path):
    trial = hand.online("trial", "V1")
    run_ = ask("verify", "fw-v2", "--device", "trial", "--component", "mod")
    assert run_["state"] == "verifying"
    hand.ends(trial, "V2")
    assert ask("verify", "fw-v2")["state"] == "passed"

    times = ("--start", "2027-01-15T07:00", "--end", "2027-01-20T08:00")
    ask("plan", "create", "march", "--product", "meter", "--package", "mod=fw-v2", "--zone", "UTC", *times)
    shown = ask("plan", "change", "march", "--white", "860000000000000", "--strategy", "approvals=1", "--dry-run")
    assert shown["plan"]["white"] == ["860000000000000"]
    ask("plan", "change", "march", "--white", "860000000000000", "--strategy", "approvals=1", "--window", "0-24")
    changed = ask("plan", "change", "march", "--needs", "fw-v2=V1", "--package", "mod=fw-v2")
    assert changed["components"][0]["releases"][0]["needs"] == ["V1"]
    assert (changed["windows"], changed["revision"], changed["strategy"]["approvals"]) == ([[0, 24]], 3, 1)
    assert ask("plan", "approve", "march", exit_code=15)["code"] == "ML-E1513"
    assert [one["field"] for one in ask("plan", "check", "march")["obstacles"]] == ["approval"]
    assert ask("plan", "waive", "march", "rehearsal", "--reason", "a pilot")["waived"] == ["rehearsal"]
    assert ask("plan", "activate", "march", exit_code=2)["code"] == "ML-E0208"
    ask("plan", "approve", "march", token=str(tmp_path / "mei.token"))
    assert [one["account"] for one in ask("plan", "show", "march")["approvals"]] == ["mei"]
    assert ask("plan", "activate", "march")["state"] == "running"
    assert ask("plan", "check", "march")["obstacles"] == []
    ask("plan", "suspend", "march")
    ask("plan", "resume", "march")
    device = hand.online("860000000000000", "V1")
    hand.requests(device, "V1")
    ask("plan", "cancel", "march", "860000000000000")
    hand.requests(device, "V1")
    hand.fails(device)
    assert ask("plan", "show", "march")["counters"]["by_status"]["failed"] == 1
    (failed,) = ask("plan", "show", "march", "--status", "failed", "--most", "5")["devices"]
    assert failed["dk"] == "860000000000000"
    assert ask("plan", "show", "march", "--status", "upgraded")["devices"] == []
    assert ask("plan", "show", "march", "--status", "well", exit_code=2)["code"] == "ML-E0201"
    ask("plan", "retry", "march", "860000000000000")
    ask("plan", "terminate", "march")
    hand.fails(device)
    assert ask("plan", "log", "march", "860000000000000")["log"]
    assert ask("device", "move", "trial", "--to", "ota.example.com:1883", exit_code=16)["code"] == "ML-E1601"
    assert ask("device", "move", "trial", "--to", "ota.example.com:1883", "--yes")["told"] == 1

    words = (
        "--product",
        "meter",
        "--package",
        "mod=fw-v2",
        "--zone",
        "UTC",
        *times,
        "--ask-zh",
        "升级",
        "--ask-en",
        "up",
    )
    ask("plan", "create", "asks", *words, "--white", "860000000000001")
    ask("plan", "activate", "asks")
    hand.online("860000000000001", "V1")
    when = ("--from", "2027-01-15T10:00", "--until", "2027-01-15T12:00")
    assert ask("plan", "confirm", "asks", "860000000000001", "at", *when)["offered"] is False
    assert ask("plan", "confirm", "asks", "860000000000001", "at", exit_code=2)["code"] == "ML-E0201"
    asked = ask("plan", "users", "asks")
    assert (asked["waiting"], len(asked["users"])) == (0, 1)  # it is appointed
    (user,) = asked["users"]
    assert (user["status"], user["start_at"]) == (2, 1_800_007_200.0)
    (component,) = user["components"]
    assert [component[key] for key in ("current", "target", "text")] == ["V1", "V2", "up"]
    assert component["files"] == [{"name": "fw-v2.bin", "bytes": 300}]
    ask("plan", "confirm", "asks", "860000000000001", "cancel")
    assert ask("plan", "users", "asks")["waiting"] == 1
    assert ask("plan", "confirm-all", "asks", "now", "--dry-run")["devices"] == 1
    done = ask("plan", "confirm-all", "asks", "now", "--yes")
    assert (done["done"], done["refused"], done["offered"]) == (1, 0, 1)
    assert ask("plan", "confirm", "asks", "860000000000001", "now", exit_code=15)["code"] == "ML-E1513"
    ask("plan", "create", "gone", *words)
    assert ask("plan", "delete", "gone", "--yes")["is_removed"]


def of_webhooks(ask):
    made = ask("webhook", "create", "erp", "http://127.0.0.1:9/ota", "--kind", "plan.ended")
    assert len(made["secret"]) > 30
    assert ask("webhook", "set", "erp", "--every-kind", "--off")["state"] == "off"
    assert ask("webhook", "set", "erp", "--on")["state"] == "on"
    assert ask("webhook", "secret", "erp")["secret"] != made["secret"]
    assert ask("webhook", "test", "erp")["is_taken"] is False
    assert [one["name"] for one in ask("webhook", "list")["webhooks"]] == ["erp"]
    refused = ask("webhook", "create", "inside", "http://169.254.169.254/", exit_code=2)
    assert refused["facts"]["field"] == "url"
    assert ask("webhook", "delete", "erp", "--yes")["is_removed"]


def test_patch_when_waited_for_then_made_fetched_and_rehearsed(makers, ask, tmp_path):
    """The platform's own worker, in processes of its own, as ``ota serve`` runs it."""
    for name, version in (("fw-v1", OLD), ("fw-v2", NEW)):
        file = tmp_path / f"{name}.bin"
        file.write_bytes(firmware(version))
        ask("package", "add", name, file, "--target", version, to=makers)
    job = ask("package", "patch", "fw-v1", "fw-v2", "--name", "made", "--wait", to=makers)
    assert (job["state"], job["reason"]) == ("done", None)
    ask("package", "get", "made", "-o", tmp_path / "got", to=makers)
    (made,) = (tmp_path / "got").iterdir()
    words = ("rehearsal", "start", "made", "--on", "flash", "--source", "fw-v1", "--cuts", "100", "--pairs", "0")
    assert ask(*words, "--wait", to=makers)["result"]["is_rehearsed"]
    (shown,) = ask("rehearsal", "list", "made", to=makers)["rehearsals"]
    assert (shown["kind"], shown["is_good"], shown["counts"], shown["failed"]) == ("flash", True, True, 0)
    ask("rehearsal", "proof", "made", "-o", tmp_path / "proof.json", to=makers)
    proof = json.loads((tmp_path / "proof.json").read_text())
    assert proof["patch"]["sha256"] == hashlib.sha256(made.read_bytes()).hexdigest()
    ask("rehearsal", "proof", "made", "--page", "-o", tmp_path / "proof.html", to=makers)
    page = makers.web.get(f"/v1/artifacts/{job['result']['artifact_id']}/rehearsals/{shown['id']}/page")
    assert page.content == (tmp_path / "proof.html").read_bytes()
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for name in ("junk-1", "junk-2"):
        (tmp_path / f"{name}.bin").write_bytes(name.encode() * 100)
        ask("package", "add", name, tmp_path / f"{name}.bin", "--target", name, to=makers)
    failed = ask("package", "patch", "junk-1", "junk-2", "--kind", "mini", "--wait", exit_code=2, to=makers)
    assert (failed["code"], failed["facts"]["needs"]) == ("ML-E0201", "customer_fs.bin")
    (job,) = ask("job", "list", "--state", "failed", to=makers)["jobs"]
    assert ask("job", "wait", job["id"], exit_code=2, to=makers) == failed


def test_events_when_listed_and_followed_then_the_same_ones(site, ask, capsys):
    ask("product", "create", "heard")
    for at in range(4):
        ask("device", "add", f"heard-{at}", "--product", "heard")
    site.until(lambda: len(heard(ask)) == 4)
    listed = heard(ask)
    assert [one["data"]["dk"] for one in listed] == [f"heard-{at}" for at in range(4)]
    words = ("events", "--follow", "--kind", "device.created", "--after", listed[0]["id"] - 1, "--most", "4")
    assert ask(*words)["events"] == listed
    (last,) = ask("events", "--kind", "device.created", "--after", listed[2]["id"], "--most", "1")["events"]
    assert last == listed[3]
    assert ask("events", "--kind", "nonsense", "--follow", exit_code=2)["code"] == "ML-E0208"


def heard(ask):
    return [one for one in ask("events", "--kind", "device.created")["events"] if one["data"]["dk"].startswith("heard")]


def test_export_when_to_a_file_then_whole_and_as_its_ending_says(site, ask, tmp_path, capsys):
    ask("product", "create", "exported")
    ask("device", "add", "exported-1", "--product", "exported")
    made = ask("export", "devices", "--product", "exported", "-o", tmp_path / "all.csv")
    assert (made["format"], made["bytes"]) == ("csv", (tmp_path / "all.csv").stat().st_size)
    assert b"exported-1" in (tmp_path / "all.csv").read_bytes()
    ask("export", "devices", "--product", "exported", "-o", tmp_path / "all.jsonl")
    (line,) = (tmp_path / "all.jsonl").read_text().splitlines()
    assert json.loads(line)["dk"] == "exported-1"
    ask("export", "audit", "-o", tmp_path / "audit.jsonl")
    assert '"device.add"' in (tmp_path / "audit.jsonl").read_text()
    assert ask("export", "devices", "-o", tmp_path / "all.xlsx", exit_code=2)["code"] == "ML-E0201"
    assert ask("export", "log", "nothing", "-o", tmp_path / "log.csv", exit_code=2)["code"] == "ML-E0207"
    assert not (tmp_path / "log.csv").exists()
    assert not list(tmp_path.glob("*.part"))


def test_device_import_when_from_the_records_of_the_line_then_those_that_passed(ask, tmp_path):
    ask("product", "create", "booked")
    assert ask("device", "import", "--product", "booked", "--records", tmp_path / "book.db")["units"] == 0
    both = ask("device", "import", tmp_path / "x.csv", "--product", "booked", "--order", "A", exit_code=2)
    assert both["code"] == "ML-E0201"


DS = "00112233445566778899aabbccddeeff"


def test_fleet_when_it_moves_here_then_told_by_line_imported_and_given_back_without_a_word_of_its_secrets(
    ask, site, tmp_path, capsys
):
    ask("product", "create", "moved")
    fleet, back = tmp_path / "fleet.csv", tmp_path / "out" / "back.jsonl"
    fleet.write_text(
        f"dk,ds,cell,tags,attr.site,remark\nm-1,{DS},c9,pilot; batch=7,Berlin,x\nm 2,{DS}5,,,,\nm-3,,,,,\n"
    )
    words = ("device", "import", fleet, "--product", "moved")
    refused = ask(*words, exit_code=2)
    assert refused["code"] == "ML-E0208"
    assert refused["facts"]["lines"] == [
        {"line": 3, "field": "dk", "reason": "1 to 16 letters, digits, '_' or '-'"},
    ]
    assert ask("device", "list", "--product", "moved")["devices"] == []
    planned = ask(*words, "--skip-faulty", "--dry-run")
    assert (planned["devices"], planned["with_secret"], planned["new"], planned["is_done"]) == (2, 1, 0, False)
    done = ask(*words, "--skip-faulty")
    assert (done["new"], done["secrets_set"], done["faulty"]) == (2, 1, 1)
    again = ask(*words, "--skip-faulty")
    assert (again["new"], again["known"], again["secrets_set"], again["secrets_kept"]) == (0, 2, 0, 0)
    shown = ask("device", "show", "m-1")
    assert (shown["origin"], shown["cell"], shown["tags"]) == (
        "moved",
        "c9",
        {"batch": "7", "pilot": "", "site": "Berlin"},
    )
    assert ask("export", "devices", "--product", "moved", "--secrets", exit_code=2)["code"] == "ML-E0201"
    told = ask("export", "devices", "--product", "moved", "--secrets", "-o", back)
    assert back.stat().st_mode & 0o077 == 0
    first, second = map(json.loads, back.read_text().splitlines())
    tags = {"batch": "7", "pilot": "", "site": "Berlin"}
    assert first == {"dk": "m-1", "ds": DS, "version": "", "cell": "c9", "tags": tags}
    assert (second["dk"], second["ds"]) == ("m-3", "")
    ask("product", "create", "next")
    assert ask("device", "import", back, "--product", "next")["secrets_set"] == 1
    audit = tmp_path / "audit.jsonl"
    ask("export", "audit", "-o", audit)
    assert '"device.secrets"' in audit.read_text()
    plain = tmp_path / "plain.jsonl"
    ask("export", "devices", "-o", plain)
    outbox = site.platform.db.read(lambda conn: conn.exec_driver_sql("SELECT * FROM outbox").all())
    assert outbox
    said = [refused, planned, done, again, shown, told, audit.read_text(), plain.read_text(), outbox]
    assert DS not in str(said)
    assert DS not in str([str(one) for one in site.notices])


def test_fleet_when_the_connection_breaks_between_two_blocks_then_told_how_many_are_in(
    ask, site, tmp_path, capsys, monkeypatch
):
    ask("product", "create", "broken")
    fleet = tmp_path / "fleet.csv"
    fleet.write_text("dk,ds\n" + "".join(f"k{number},{DS}\n" for number in range(2500)))
    posted = OtaClient.post

    def post(client, path, *args, **more):
        if path == "/v1/devices/adopt" and len(sent) == 2:
            raise ServerUnreachable(server=client.server, reason="gone")
        sent.append(path)
        return posted(client, path, *args, **more)

    sent = []
    monkeypatch.setattr(OtaClient, "post", post)
    monkeypatch.setenv("MODULINE_OTA_TOKEN", (site.settings.data / "admin.token").read_text().strip())
    words = ["ota", "device", "import", str(fleet), "--product", "broken", "--server", site.addresses.api, "--json"]
    assert run(words) == 14
    printed = capsys.readouterr()
    assert json.loads(printed.out)["code"] == "ML-E1404"
    assert "the first 2000 of 2500 devices are in, of the next 500 all or none" in " ".join(printed.err.split())
    assert DS not in printed.out + printed.err
    assert ask("device", "list", "--product", "broken", "--count")["count"] == 2000
    sent.clear()
    monkeypatch.undo()
    done = ask("device", "import", fleet, "--product", "broken")
    assert (done["new"], done["known"], done["secrets_set"], done["secrets_kept"]) == (500, 2000, 500, 0)


def test_migrate_when_tables_are_missing_then_says_which_and_makes_them(tmp_path, capsys):
    file = tmp_path / "deep" / "ota.db"

    def migrated(*more):
        assert run(["ota", "migrate", "--db", str(file), *more, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    planned = migrated("--dry-run")
    assert (planned["before"], planned["is_done"], file.exists()) == ("-", False, False)
    assert planned["changes"][0] == "0001"
    done = migrated()
    assert done["changes"] == planned["changes"]
    again = migrated()
    assert (again["before"], again["changes"]) == (planned["changes"][-1], [])


@pytest.mark.parametrize("given", ["logs", "logs=", "logs=x", "logs=0", "logs=-1", "sleep=1", "=1", "history=٣"])
def test_keep_when_it_is_nothing_then_refused_before_anything_is_opened(given, tmp_path, capsys):
    assert run(["ota", "serve", "--data", str(tmp_path / "ota"), "--keep", given, "--jsonl"]) == 2
    assert json.loads(capsys.readouterr().out)["code"] == "ML-E0201"
    assert not (tmp_path / "ota").exists()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_help_when_asked_for_then_every_command_has_an_example(lang, monkeypatch):
    """In a process of its own language: help texts are made while modules are imported."""
    environment = os.environ | {"MODULINE_LANG": lang}
    done = subprocess.run(
        [sys.executable, "-c", WALK], env=environment, capture_output=True, text=True, encoding="utf-8", check=True
    )
    helps = json.loads(done.stdout)
    assert len(helps) > 50
    word = "Example: moduline ota " if lang == "en" else "示例：moduline ota "
    for name, text in helps.items():
        assert f"{word}{name}" in text, name


WALK = """
import json, sys
import click, typer
from moduline.cli.main import build_app
found = {}
def walk(command, names):
    for name, one in getattr(command, "commands", {}).items():
        walk(one, [*names, name])
    if not hasattr(command, "commands"):
        found[" ".join(names[1:])] = command.help
walk(typer.main.get_command(build_app("ota")).commands["ota"], ["ota"])
json.dump(found, sys.stdout)
"""
