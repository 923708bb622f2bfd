"""The first start of a Studio, as somebody does it, and what the way in does not let happen."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from starlette.responses import Response

from moduline.web import sessions
from moduline.web.entry import OneTimeLinks, safe_path
from moduline.web.site import Site, StudioOptions, open_site
from moduline.web.work.runner import Jobs
from web.chromium import Seat, session_of
from web.studio_process import StudioProcess

WORD = "正确的马 battery"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """A Studio that nobody has opened yet."""
    made = StudioProcess(tmp_path_factory.mktemp("fresh"))
    yield made
    made.stop()


def sign_in(studio, name, password, **more):
    data = {"name": name, "password": password, **more}
    return httpx.post(f"{studio.url}/sign-in", data=data, headers={"accept-language": "zh-CN"}, timeout=60)


def test_first_start_when_done_in_chinese_then_link_password_out_and_in_again(fresh, chromium):
    seat = Seat(chromium, fresh, "zh")
    page = seat.page
    page.goto(f"{fresh.url}/console/users")
    assert page.get_by_role("heading", name="登录").is_visible()
    assert "尚未设置管理员密码" in page.get_by_role("alert").text_content()
    page.goto(fresh.link)
    page.get_by_role("heading", name="设置管理员密码").wait_for()
    page.get_by_label("新密码").fill("1234567890")
    page.get_by_label("再次输入").fill("1234567890")
    page.get_by_role("button", name="保存并继续").click()
    assert "过于常见" in page.get_by_role("alert").text_content()
    for first, second in ((WORD, WORD + "!"), (WORD, WORD)):
        page.get_by_label("新密码").fill(first)
        page.get_by_label("再次输入").fill(second)
        page.get_by_role("button", name="保存并继续").click()
        if first != second:
            assert "不一致" in page.get_by_role("alert").text_content()
    page.wait_for_url("**/studio")
    kept = {one["name"]: one for one in seat.context.cookies()}[fresh.cookie]
    assert (kept["httpOnly"], kept["sameSite"], kept["path"]) == (True, "Strict", "/")
    page.get_by_test_id("account").click()
    page.get_by_test_id("sign-out").click()
    page.wait_for_url("**/sign-in")
    page.get_by_label("账号").fill("admin")
    page.get_by_label("密码").fill("not this one")
    page.get_by_role("button", name="登录").click()
    assert "账号或密码不正确" in page.get_by_role("alert").text_content()
    page.get_by_label("密码").fill(WORD)
    page.get_by_role("button", name="登录").click()
    page.wait_for_url("**/studio")
    page.goto(fresh.link)
    assert "此链接已使用过" in page.get_by_role("alert").text_content()
    seat.close()
    me = fresh.api("GET", "/v1/me")
    assert me["has_password"]
    verbs = [one["verb"] for one in fresh.api("GET", "/v1/audit?kind=login")["items"]]
    assert verbs == ["login", "login.failed", "login"]


def test_bare_address_when_opened_then_the_way_in_or_the_first_page_of_the_role(studio, chromium):
    answer = httpx.get(studio.url + "/", timeout=60)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    cookies = {studio.cookie: session_of(studio)}
    answer = httpx.get(studio.url + "/", cookies=cookies, timeout=60)
    assert (answer.status_code, answer.headers["location"]) == (303, "/studio")
    seat = Seat(chromium, studio, session=session_of(studio))
    seat.open("/").get_by_test_id("modules").wait_for()
    seat.close()


@pytest.mark.parametrize(("lang", "said"), [("en", "There is no such page"), ("zh", "页面不存在")])
def test_address_when_it_leads_nowhere_then_a_page_that_leads_on_and_a_frame_for_programs(studio, chromium, lang, said):
    seat = Seat(chromium, studio, session=session_of(studio), lang=lang)
    for path in ("/studio/nowhere", "/<script>alert(1)</script>", "/console/plans/1/2/3"):
        assert seat.page.goto(studio.url + path).status == 404
        assert seat.page.locator("h1").inner_text() == said
    seat.page.get_by_role("link", name={"en": "To the first page", "zh": "返回首页"}[lang]).click()
    seat.page.get_by_test_id("modules").wait_for()
    seat.close()
    answer = httpx.get(studio.url + "/studio/nowhere", headers={"accept": "application/json"}, timeout=60)
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})


def test_link_when_used_twice_or_guessed_then_over_and_no_session(fresh):
    restarted = fresh
    for address in (restarted.link, restarted.link + "x", f"{restarted.url}/enter/", f"{restarted.url}/enter/%00"):
        httpx.get(address, timeout=60)
        answer = httpx.get(address, timeout=60)
        assert answer.status_code in {404, 410}
        assert "set-cookie" not in answer.headers


def test_link_when_only_looked_at_then_still_good():
    links = OneTimeLinks()
    key = links.make()
    assert not links.use(key + "x")
    assert not links.use("\u00e4")
    assert links.use(key)
    assert not links.use(key)


def test_session_when_coming_in_then_a_new_one_and_the_old_one_is_over(fresh):
    """Fixation: nobody goes on with a session that somebody else put into their browser."""
    planted = session_of(fresh)
    fresh.api("PUT", "/v1/accounts/1/password", {"new": WORD})
    planted = session_of(fresh)
    answer = httpx.post(
        f"{fresh.url}/sign-in",
        data={"name": "admin", "password": WORD},
        headers={"cookie": f"{fresh.cookie}={planted}"},
        timeout=60,
    )
    assert answer.status_code == 303
    assert answer.cookies[fresh.cookie] != planted
    again = httpx.get(f"{fresh.url}/console", headers={"cookie": f"{fresh.cookie}={planted}"}, timeout=60)
    assert again.status_code == 303


def test_tries_when_too_many_then_a_sentence_says_how_long(fresh):
    """The first wait is a second; on a busy machine it may pass before the next try, so it is tried until one waits."""
    said = []
    while not said or (said[-1].status_code == 401 and len(said) < 14):
        said.append(sign_in(fresh, "nobody", f"guess number {len(said)}"))
    assert len(said) > 5
    assert said[-1].status_code == 429
    wait = said[-1].headers["retry-after"]
    assert f"尝试次数过多，请 {wait} 秒后再试" in said[-1].text


@pytest.mark.parametrize("name", ["", "x" * 5000, "\0", "admin\r\nset-cookie: a=b"])
def test_sign_in_when_odd_then_the_form_again(fresh, name):
    answer = sign_in(fresh, name, "y" * 5000)
    assert answer.status_code in {401, 422, 429}
    assert "<form" in answer.text
    assert "yyyy" not in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("wanted", "path"),
    [("/line", "/line"), ("/console/plans?a=b&c", "/console/plans?a=b&c"), ("//x", "/studio"), ("/\\x", "/studio"), ("//[", "/studio")],
)  # fmt: skip
def test_path_when_of_this_server_then_gone_on_to(wanted, path):
    assert safe_path(wanted) == path


@pytest.mark.parametrize(("tls_cert", "is_secure"), [(None, False), (Path("cert.pem"), True)])
def test_cookie_when_given_then_no_script_and_no_other_site_has_it(tmp_path, tls_cert, is_secure):
    jobs = Jobs(tmp_path / "jobs")
    open_site(Site(StudioOptions(tmp_path, tmp_path, tls_cert=tls_cert), jobs, port=8301))
    try:
        answer = Response()
        sessions.seal(answer, "mdl_x")
    finally:
        jobs.stop()
    said = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")}
    assert {"moduline_session_8301=mdl_x", "httponly", "samesite=strict", "path=/"} <= said
    assert ("secure" in said) == is_secure
    assert not any(part.startswith("domain") for part in said), "other names of this machine do not get it"
