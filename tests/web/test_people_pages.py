"""Users, tokens, sessions, audit and settings as somebody works with them; each ends in a look at the platform itself."""

from __future__ import annotations

import csv
import io
import re

import httpx
import pytest

from moduline.web.console.settings_sessions import names_of
from web.chromium import session_of

WORD = "correct horse battery"
SAYS = {
    "en": {
        "too_low": "This needs the role admin; yours is viewer.", "differ": "differ", "failed": "wrong password",
        "common": "first that anybody", "session": "WeChat on Android", "not": "did not take it",
    },
    "zh": {
        "too_low": "此操作需要角色“管理员”，您的角色为“查看者”。", "differ": "不一致", "failed": "登录失败",
        "common": "过于常见", "session": "Android 上的 WeChat", "not": "未接收",
    },
}  # fmt: skip


def call(studio, token, method, path, body=None):
    headers = {"authorization": f"Bearer {token}"} if token else {}
    answer = httpx.request(method, studio.api_url + path, json=body, headers=headers, timeout=60)
    return answer.status_code, answer.json()


def fill(page, **fields):
    for name, value in fields.items():
        page.get_by_test_id(name.replace("_", "-")).fill(value)


def choose(page, testid, name):
    page.get_by_test_id(testid).click()
    page.get_by_role("option", name=name).first.click()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("lang", ["zh", pytest.param("en", marks=pytest.mark.sweep)])
def test_account_when_made_on_the_page_then_comes_in_and_is_refused_when_switched_off(studio, seat, lang, again):
    says, name = SAYS[lang], f"mei-{lang}{again}"
    page = seat(lang=lang).open("/console/users")
    page.get_by_test_id("users-new").click()
    fill(page, users_name=name, users_password="Password123", users_again="Password12")
    page.get_by_test_id("form-yes").click()
    wrong = page.get_by_test_id("form-wrong")
    wrong.get_by_text(re.compile(says["differ"])).wait_for()
    fill(page, users_again="Password123")
    page.get_by_test_id("form-yes").click()
    wrong.get_by_text(re.compile(says["common"])).wait_for()
    fill(page, users_password=WORD, users_again=WORD)
    page.get_by_test_id("users-again").press("Enter")
    page.get_by_test_id(f"users-role-{name}").click()
    choose(page, "users-role", re.compile("^(viewer|查看者)"))
    page.get_by_test_id("form-yes").click()
    page.get_by_test_id("form-yes").wait_for(state="detached")
    login = {"name": name, "password": WORD, "client": "Mozilla/5.0 (Linux; Android 14) MicroMessenger/8.0"}
    status, came = call(studio, "", "POST", "/v1/login", login)
    assert (status, came["account"]["role"]) == (200, "viewer")

    hers = seat(lang=lang, session=came["token"])
    her_page = hers.open("/console/users")
    assert says["too_low"] in her_page.get_by_test_id("why-not").inner_text()
    assert her_page.get_by_test_id("users-new").is_disabled()
    assert her_page.get_by_test_id(f"users-switch-{name}").is_disabled()
    assert her_page.get_by_test_id("users-new").get_attribute("title") == says["too_low"]

    page.get_by_test_id(f"users-switch-{name}").click()
    page.get_by_test_id("ask-yes").click()
    switched = page.get_by_test_id(f"users-switch-{name}").filter(has_text=re.compile("Enable|启用"))
    switched.wait_for()
    assert call(studio, came["token"], "GET", "/v1/me")[0] == 401
    verbs = [one["verb"] for one in studio.api("GET", f"/v1/audit?name={name}&newest=true")["items"]]
    assert verbs == ["account.change", "login", "account.change", "password.set", "account.create"]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("lang", ["zh"])
def test_token_when_made_on_the_page_then_shown_once_works_and_is_revoked(studio, seat, lang):
    page = seat(lang=lang).open("/console/tokens")
    page.get_by_test_id("tokens-new").click()
    fill(page, tokens_name="ci")
    choose(page, "tokens-role", re.compile("查看者"))
    choose(page, "tokens-days", "30 天")
    page.get_by_test_id("form-yes").click()
    token = page.get_by_test_id("secret").inner_text()
    status, me = call(studio, token, "GET", "/v1/me")
    assert (status, me["role"]) == (200, "viewer")
    made = studio.api("GET", "/v1/tokens")["items"][-1]
    assert made["expires_at"] - made["created_at"] == pytest.approx(30 * 24 * 3600, abs=1)
    page.get_by_test_id("secret-kept").click()
    page.get_by_test_id("tokens-revoke-ci").wait_for()
    page.reload()
    assert token not in page.content()
    page.get_by_test_id("tokens-revoke-ci").click()
    page.get_by_test_id("ask-yes").click()
    page.get_by_test_id("tokens-revoke-ci").wait_for(state="detached")
    assert call(studio, token, "GET", "/v1/me")[0] == 401
    page.get_by_test_id("tokens-over").click()
    page.get_by_test_id("tokens-table").get_by_text("已吊销").first.wait_for()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("lang", ["en"])
def test_settings_when_worked_with_then_password_sessions_and_webhooks_are_so(studio, seat, lang, again):
    says, chief = SAYS[lang], f"chief-{lang}{again}"
    number = studio.api("POST", "/v1/accounts", {"name": chief, "role": "admin"})["id"]
    studio.api("PUT", f"/v1/accounts/{number}/password", {"new": WORD})
    login = {"name": chief, "password": WORD, "client": "Mozilla/5.0 (Linux; Android 14) MicroMessenger/8.0"}
    mine, phone = (call(studio, "", "POST", "/v1/login", login)[1]["token"] for _ in range(2))
    page = seat(lang=lang, session=mine).open("/console/settings")
    table = page.get_by_test_id("sessions-table")
    table.get_by_text(says["session"]).nth(1).wait_for()
    page.get_by_test_id("sessions-end").click()
    page.get_by_test_id("ask-yes").click()
    page.get_by_test_id("sessions-end").wait_for(state="detached")
    assert call(studio, phone, "GET", "/v1/me")[0] == 401
    for old, new, repeated in (("wrong", WORD + "!", WORD + "!"), (WORD, WORD + "!", WORD)):
        fill(page, settings_old=old, settings_new=new, settings_again=repeated)
        page.get_by_test_id("settings-change").click()
        said = says["differ"] if new != repeated else "old: not the present password"
        page.get_by_test_id("settings-wrong").get_by_text(re.compile(said)).wait_for()
    fill(page, settings_old=WORD, settings_new=WORD + "!", settings_again=WORD + "!")
    page.get_by_test_id("settings-again").press("Enter")
    page.get_by_text("The password is changed").wait_for()
    assert call(studio, "", "POST", "/v1/login", {**login, "password": WORD + "!"})[0] == 200

    page.get_by_test_id("webhooks-new").click()
    fill(page, webhooks_name="erp", webhooks_url="http://127.0.0.1:9/x")
    page.get_by_test_id("form-yes").click()
    page.get_by_test_id("form-wrong").get_by_text(re.compile("ML-E0208")).wait_for()
    fill(page, webhooks_url="https://erp.invalid/ota")
    page.get_by_test_id("form-yes").click()
    assert len(page.get_by_test_id("secret").inner_text()) == 43
    page.get_by_test_id("secret-kept").click()
    page.get_by_test_id("webhook-test-erp").click()
    page.get_by_text(re.compile(says["not"])).wait_for()
    page.get_by_test_id("webhook-turn-erp").click()
    page.get_by_test_id("webhook-erp").get_by_text("off", exact=True).wait_for()
    assert [one["state"] for one in studio.api("GET", "/v1/webhooks")["items"]] == ["off"]
    page.get_by_test_id("webhook-delete-erp").click()
    page.get_by_test_id("ask-yes").click()
    page.get_by_test_id("webhook-erp").wait_for(state="detached")
    assert studio.api("GET", "/v1/webhooks")["items"] == []


@pytest.mark.timeout(300)
def test_audit_when_filtered_then_the_page_its_address_and_the_export_say_the_same(studio, seat, session, again):
    word = f"audit{again}-"
    for name in (f"{word}a", f"{word}b"):
        studio.api("POST", "/v1/tokens", {"name": name, "role": "viewer"})
    call(studio, "", "POST", "/v1/login", {"name": "admin", "password": "no"})
    taken = seat(lang="zh")
    page = taken.open("/console/audit")
    choose(page, "audit-verb", "创建令牌")
    page.get_by_test_id("audit-name").fill(word)
    page.wait_for_url(f"**verb=token.create&name={word}")
    rows = page.get_by_test_id("audit-table").locator("tbody tr")
    page.get_by_test_id("audit-count").get_by_text("2").wait_for()
    assert [(f"{word}b" in text, "创建令牌" in text) for text in rows.all_inner_texts()] == [
        (True, True),
        (False, True),
    ]
    page.reload()
    page.get_by_test_id("audit-count").get_by_text("2").wait_for()
    with page.expect_download() as got:
        page.get_by_test_id("audit-export").click()
    table = list(csv.reader(io.StringIO(got.value.path().read_text("utf-8-sig"))))
    assert [[cell for cell in row if cell.startswith(word)] for row in table[1:]] == [[f"{word}a"], [f"{word}b"]]
    page.get_by_test_id("audit-clear").click()
    page.wait_for_url("**/console/audit")
    page.get_by_text(SAYS["zh"]["failed"]).first.wait_for()
    page.goto(f"{studio.url}/console/audit?verb=nonsense&since=x&until=9999-99-99&kind=%00&account=nobody")
    page.get_by_text("没有符合条件的记录").wait_for()
    answer = httpx.get(f"{studio.url}/console/audit/export", timeout=60)
    assert (answer.status_code, answer.content) == (401, b"")
    old = httpx.get(
        f"{studio.url}/console/audit/export?until=2001-01-01",
        headers={"cookie": f"{studio.cookie}={session}"},
        timeout=60,
    )
    assert len(old.text.splitlines()) == 1  # fmt: skip


@pytest.mark.parametrize(
    ("agent", "names"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64) Chrome/120.0 Safari/537.36 Edg/120.0", ("Edge", "Windows")),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Safari/604.1", ("Safari", "iOS")),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:120.0) Firefox/120.0", ("Firefox", "macOS")),
        ("Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/120.0 Safari/537.36", ("Chrome", "Linux")),
        ("python-httpx/0.27", ("", "")),
    ],
)
def test_session_when_of_a_browser_then_called_so(agent, names):
    assert names_of(agent) == names


@pytest.mark.sweep
@pytest.mark.timeout(300)
def test_page_when_its_session_is_ended_elsewhere_then_left_and_nothing_on_it_acts(studio, seat):
    """An open page asks every half minute; one that stays all the same has no control any more."""
    gone, stays = session_of(studio), session_of(studio)
    leaves = seat(session=gone).open("/console/tokens")
    stubborn = seat(session=stays).open("/console/tokens")
    stubborn.evaluate("() => { window.stop(); addEventListener('beforeunload', (event) => event.preventDefault()); }")
    for session in (gone, stays):
        assert call(studio, session, "DELETE", "/v1/me/sessions/current")[0] == 200
    leaves.wait_for_url("**/sign-in", timeout=90_000)
    stubborn.get_by_test_id("tokens-new").wait_for(state="detached", timeout=90_000)
