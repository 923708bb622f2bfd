"""The server is killed and started again: pages come back by themselves, and say what happened."""

from __future__ import annotations

import json

import pytest

from web.chromium import Seat, session_of
from web.studio_process import StudioProcess

SAYS = {
    "en": ("lost", "was started again", "1 jobs were interrupted"),
    "zh": ("断开", "重新启动", "1 个任务被中断"),
}


@pytest.mark.timeout(300)
def test_pages_when_the_server_is_killed_and_started_again_then_back_with_what_happened(chromium, tmp_path):
    studio = StudioProcess(tmp_path)
    session = session_of(studio)
    seats = {lang: Seat(chromium, studio, lang=lang, session=session) for lang in ("en", "zh")}
    for one in seats.values():
        one.open("/jobs")
    running = {
        "id": "20261122-101500-abcdef", "kind": "burn", "title": {"en": "Burn m1", "zh": "烧录 m1"}, "owner": "admin",
        "key": "m1", "page": "", "started_at": 1.0, "state": "running", "ended_at": None, "step": "", "done_bytes": 0,
        "total_bytes": 0, "result": {}, "error": None,
    }  # fmt: skip
    (studio.data / "jobs" / f"{running['id']}.json").write_text(
        json.dumps(running)
    )  # as a job leaves it that is killed
    studio.kill()
    for lang, one in seats.items():
        lost = one.page.locator("#popup")
        lost.wait_for(state="visible")
        assert SAYS[lang][0] in lost.inner_text()
    studio.start()
    for lang, one in seats.items():
        banner = one.page.locator("#m-restarted")
        banner.wait_for(state="visible", timeout=90_000)
        assert SAYS[lang][1] in banner.inner_text()
        assert SAYS[lang][2] in banner.inner_text()
        row = one.page.get_by_role("row").filter(has_text={"en": "interrupted", "zh": "被中断"}[lang])
        assert {"en": "Burn m1", "zh": "烧录 m1"}[lang] in row.inner_text()
        banner.get_by_role("button").click()
        banner.wait_for(state="hidden")
        one.close()
    studio.stop()
