"""FOTA without a browser: the address, jobs and their files, and the picture of very many cuts."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace

import pytest

from delta.inplace_rig import pair
from moduline.delta.outcomes import Outcome, Span, marks_of
from moduline.delta.rehearsal import CleanRun, CleanStep, Trial
from moduline.errors import BadOption, NoSuchFile, Text
from moduline.release import signing
from moduline.web.site import Site, StudioOptions, open_site
from moduline.web.studio import fota_work
from moduline.web.studio.fota_picture import Picture, outcome_counts, picture_html
from moduline.web.studio.fota_sides import look
from moduline.web.studio.fota_wish import Wish
from moduline.web.work.job import JobState
from moduline.web.work.runner import Jobs

OLD, NEW = pair(21, 6 * 4096, 2500)


@pytest.fixture
def site(tmp_path):
    made = Site(StudioOptions(tmp_path / "data", tmp_path / "root"), Jobs(tmp_path / "data" / "jobs"))
    made.root.mkdir()
    (made.root / "old.img").write_bytes(OLD)
    (made.root / "new.img").write_bytes(NEW)
    open_site(made)
    yield made
    made.jobs.stop()


def done(site, work):
    view = site.jobs.wait(site.jobs.start("test", Text("x", "x"), work), 120)
    assert view.state is JobState.DONE, view.error
    return view.result


def made_of(site, wish):
    async def work(job):
        return await fota_work.make_patch(wish, job)

    return done(site, work)


def test_wish_when_written_into_an_address_then_read_back_and_nonsense_is_left_out():
    wish = Wish("a b.pac", "c&d.pac", "mini", "fs", "64", "fs.bin", "key.pem", "out/x.bin")
    words = dict(re.findall(r"(\w+)=([^&]+)", wish.address))
    assert words["spare"] == "64"
    assert Wish.of({"old": "a b.pac", "kind": "evil", "store": "x", "spare": "-1", "other": "1"}) == Wish("a b.pac")
    assert Wish.of({"spare": "٣"}).spare == ""
    assert Wish(new="v2.tar.pac").output == "patches/v2.tar-diff.bin"
    assert Wish().address == "/studio/fota"
    assert wish.spare_bytes == 65536


def test_make_when_wished_then_signed_written_and_told(site):
    key = signing.new_key()
    signing.write_key(site.root / "key.pem", key)
    wish = Wish("old.img", "new.img", key="key.pem", spare="64")
    facts = made_of(site, wish)
    written = (site.root / "patches/new-diff.bin").read_bytes()
    assert facts["files"][0]["bytes"] == len(written) == facts["patch_bytes"]
    assert facts["signed_by"] == key.id
    signing.check_file(written, None, signing.Key(key.public), "x")
    region = facts["regions"][0]
    assert region["patch_bytes"] == min(region["tried"].values())
    assert set(region["tried"]) > {"whole"}
    assert facts["spare_have"] == 65536
    json.dumps(facts)


@pytest.mark.parametrize("out", ["old.img", "new.img", "./sub/../new.img"])
def test_make_when_the_patch_would_replace_a_source_then_refused_and_the_source_stays(site, out):
    async def work(job):
        with pytest.raises(BadOption):
            await fota_work.make_patch(Wish("old.img", "new.img", out=out), job)

    done(site, work)
    assert (site.root / "new.img").read_bytes() == NEW
    assert (site.root / "old.img").read_bytes() == OLD


@pytest.mark.parametrize("path", ["../outside.img", "/etc/passwd", "gone.img", "x\0y"])
def test_look_when_a_path_leads_elsewhere_then_refused(site, path):
    with pytest.raises((BadOption, NoSuchFile)):
        look(Wish(path, "new.img"))


def test_rehearse_when_done_then_proof_picture_and_counts_agree(site):
    made = made_of(site, Wish("old.img", "new.img"))
    asked = fota_work.Asked("old.img", (made["files"][0]["path"],), "fp", None, 12, 5)

    async def work(job):
        return await fota_work.rehearse_patch(asked, site.data / "fota", job)

    result = done(site, work)
    one = result["files"][0]
    assert result["is_good"]
    proof = json.loads((site.root / one["proof"]).read_text())
    picture = Picture.of_json(json.loads((site.data / "fota" / one["picture"]).read_text()))
    trials = sum(proof["trials"].values())
    assert trials == picture.trials == 12 + 12 + 5 == len(picture.marks) == sum(one["outcomes"].values())
    assert picture.operations == proof["operations"]
    html = picture_html(picture, "p")
    assert len(re.findall('class="fp-mark ', html)) == trials
    assert "cut@0" in html
    assert (site.root / one["page"]).read_text().startswith("<!doctype html>")


def test_rehearse_when_the_patch_is_for_another_firmware_then_the_job_fails_with_the_reason(site):
    made = made_of(site, Wish("old.img", "new.img"))
    (site.root / "other.img").write_bytes(OLD[:-1] + b"!")
    asked = fota_work.Asked("other.img", (made["files"][0]["path"],), "fp", None, 4, 0)

    async def work(job):
        return await fota_work.rehearse_patch(asked, site.data / "fota", job)

    view = site.jobs.wait(site.jobs.start("test", Text("x", "x"), work), 120)
    assert (view.state, view.error["code"][:4]) == (JobState.FAILED, "ML-E")


def test_rehearse_when_cancelled_then_ends_soon(site):
    made = made_of(site, Wish("old.img", "new.img"))
    asked = fota_work.Asked("old.img", (made["files"][0]["path"],), "fp", None, None, 20_000)
    begun = []

    async def work(job):
        begun.append(job)
        return await fota_work.rehearse_patch(asked, site.data / "fota", job)

    name = site.jobs.start("test", Text("x", "x"), work)

    async def until_it_runs():
        while not site.jobs.view(name).done_bytes:
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(until_it_runs(), 120))
    site.jobs.cancel(name)
    assert site.jobs.wait(name, 60).state is JobState.CANCELLED


def test_picture_when_there_are_a_hundred_thousand_operations_then_it_stays_small_and_shows_the_failure():
    total = 100_000
    clean = CleanRun((CleanStep("copy", 0, 40_000), CleanStep("target", 40_000, 60_000)), ())
    trials = [Trial(f"cut@{at}", at, "") for at in range(total)]
    trials += [Trial(f"tear@{at}:1", at, "<b>store: changed" if at == 5 else "") for at in range(total)]
    marks = marks_of(clean, trials, Span(40_000, 99_999), fota_work.MARKS)
    kept = {
        "operations": total, "trials": len(trials), "uses": fota_work.use_columns(clean, fota_work.COLUMNS),
        "marks": [[one.kind, one.operation, one.last, str(one.outcome), one.what, one.count, one.cuts, one.complaint]
                  for one in marks],
    }  # fmt: skip
    picture = Picture.of_json(json.loads(json.dumps(kept)))
    html = picture_html(picture, "p")
    assert len(html) < 300_000
    assert len(re.findall("fp-mark fp-failed", html)) == 1
    assert "<b>" not in html
    assert kept["uses"] == [["copy", 96], ["target", 144]]
    assert sum(outcome_counts(picture).values()) == 2 * total
    rows = picture.table()
    assert ("tear", "copy", str(Outcome.FAILED)) in {row[:3] for row in rows}
    assert sum(row[3] for row in rows) == 2 * total
    assert replace(picture, marks=()).table() == []
