"""Carrying out a recipe: order, repeat, retries, needs, optional, time limits, silence; every error is a verdict."""

from __future__ import annotations

import asyncio

import pytest

from line.checks.fake_ports import FakePorts, run_on
from line.checks.module_in_process import recipe_of, verdicts
from moduline.events import Step
from moduline.line.checks import UnderTest, run_recipe
from remote import virtual_time

GOOD = ("+CSQ: 20,99", "OK")
BAD = ("+CSQ: 3,99", "OK")


def at_check(name, command="AT+X", **keys):
    lines = [f"[[check]]\nname = '{name}'\nkind = 'at'\ncommand = '{command}'"]
    return "\n".join([*lines, *(f"{key} = {value}" for key, value in keys.items())]) + "\n"


def signal(**keys):
    return "\n".join(["[[check]]", "kind = 'signal'", "min = 10", *(f"{k} = {v}" for k, v in keys.items())]) + "\n"


def test_result_when_measured_then_has_value_limits_and_seconds():
    results = run_on(FakePorts({"AT+CSQ": [BAD, BAD, GOOD]}), recipe_of(signal(settle_s=10, max=31)))
    one = results["signal"]
    assert (one.verdict, one.value, one.limits) == ("pass", "20", "10..31")
    assert one.seconds >= 0.0


def test_signal_when_it_never_becomes_good_then_fails_with_the_last_value_after_the_settling_time():
    ports = FakePorts({"AT+CSQ": [("+CSQ: 99,99", "OK"), BAD]})
    one = run_on(ports, recipe_of(signal(settle_s=2)))["signal"]
    assert (one.verdict, one.value, one.limits) == ("fail", "3", "10..")
    assert 8 <= len(ports.asked) <= 10


def test_card_when_the_module_is_still_reading_it_then_it_is_asked_again():
    """27.007 9.2.1: error 14 is "SIM busy"; a module says so for a moment after its start."""
    busy = ("+CME ERROR: 14",)
    card = {"AT+QCCID": ("+QCCID: 89860000000000000007", "OK")}
    ports = FakePorts({"AT+CPIN?": [busy, busy, ("+CPIN: READY", "OK")]} | card)
    assert run_on(ports, recipe_of("[[check]]\nkind = 'sim'\n"))["sim"].verdict == "pass"
    always = run_on(FakePorts({"AT+CPIN?": busy}), recipe_of("[[check]]\nkind = 'sim'\n"))["sim"]
    assert (always.verdict, always.value) == ("fail", "+CME ERROR: 14")


def test_retries_when_it_becomes_good_in_time_then_passes_and_else_fails():
    assert run_on(FakePorts({"AT+CSQ": [BAD, BAD, GOOD]}), recipe_of(signal(settle_s=0, retries=2)))[
        "signal"
    ].verdict == "pass"  # fmt: skip
    ports = FakePorts({"AT+CSQ": [BAD, BAD, GOOD]})
    assert run_on(ports, recipe_of(signal(settle_s=0, retries=1)))["signal"].verdict == "fail"
    assert len(ports.asked) == 2


def test_repeat_when_one_of_many_is_bad_then_fails_and_says_which():
    ports = FakePorts({"AT+CSQ": [GOOD, GOOD, BAD]})
    one = run_on(ports, recipe_of(signal(settle_s=0, repeat=5)))["signal"]
    assert (one.verdict, one.value, one.detail) == ("fail", "3", "3 of 5")
    ports = FakePorts({"AT+CSQ": GOOD})
    assert run_on(ports, recipe_of(signal(settle_s=0, repeat=5)))["signal"].verdict == "pass"
    assert len(ports.asked) == 5


def test_needs_when_not_passed_then_skipped_and_never_asked():
    text = at_check("a", "AT+A") + at_check("b", "AT+B", needs='["a"]') + at_check("c", "AT+C", needs='["b"]')
    ports = FakePorts({"AT+B": ("OK",), "AT+C": ("OK",)})
    results = run_on(ports, recipe_of(text))
    assert verdicts(results) == {"a": "fail", "b": "skip", "c": "skip"}
    assert results["b"].detail == "it needs a"
    assert ports.asked == ["AT+A"]


def test_optional_when_not_good_then_warned_and_what_needs_it_is_skipped():
    text = at_check("a", "AT+A", optional="true") + at_check("b", "AT+B", needs='["a"]') + at_check("c", "AT+C")
    assert verdicts(run_on(FakePorts({"AT+C": ("OK",)}), recipe_of(text))) == {"a": "warn", "b": "skip", "c": "pass"}


@pytest.mark.parametrize(("first", "rest"), [("true", "skip"), ("false", "pass")])
def test_stop_at_first_when_a_check_fails_then_the_others_are_skipped_or_not(first, rest):
    text = f"stop_at_first = {first}\n" + at_check("a", "AT+A") + at_check("b", "AT+B")
    assert verdicts(run_on(FakePorts({"AT+B": ("OK",)}), recipe_of(text))) == {"a": "fail", "b": rest}


def test_module_when_silent_in_the_middle_then_coded_and_the_rest_is_skipped():
    ports = FakePorts({"AT+A": ("OK",), "AT+B": None}, openings=1)
    text = at_check("a", "AT+A") + at_check("b", "AT+B", limit_s=2) + at_check("c", "AT+A") + at_check("d", "AT+A")
    results = run_on(ports, recipe_of(text))
    assert verdicts(results) == {"a": "pass", "b": "fail", "c": "skip", "d": "skip"}
    assert results["b"].detail.startswith("ML-E0602")
    assert "'b'" in results["d"].detail


def test_port_when_it_vanishes_then_coded_and_the_rest_is_skipped():
    text = at_check("a", "AT+A") + at_check("b", "AT+A")
    results = run_on(FakePorts({"AT+A": "gone"}), recipe_of(text))
    assert verdicts(results) == {"a": "fail", "b": "skip"}
    assert results["a"].detail.startswith("ML-E0601")


def test_port_when_only_an_optional_check_lost_it_then_a_needed_one_fails():
    """A unit that nobody could test is no good unit."""
    text = at_check("a", "AT+A", optional="true") + at_check("b", "AT+A") + at_check("c", "AT+A")
    assert verdicts(run_on(FakePorts({"AT+A": "gone"}), recipe_of(text))) == {"a": "warn", "b": "fail", "c": "skip"}


def test_port_when_it_is_not_there_then_the_first_check_fails_and_the_rest_is_skipped():
    results = run_on(FakePorts({}, openings=0), recipe_of(at_check("a") + at_check("b")))
    assert verdicts(results) == {"a": "fail", "b": "skip"}
    assert results["a"].detail.startswith("ML-E0301")


def test_late_answer_when_it_comes_after_the_limit_then_it_answers_no_other_question():
    class Late(FakePorts):
        async def _answer(self, stream, command):
            if command == "AT+A":
                await asyncio.sleep(3)
            await super()._answer(stream, command)

    ports = Late({"AT+A": ("late", "OK"), "AT+B": ("in time", "OK")})
    text = at_check("a", "AT+A", limit_s=1) + at_check("b", "AT+B", pattern="'.*'")
    results = run_on(ports, recipe_of(text))
    assert verdicts(results) == {"a": "fail", "b": "pass"}
    assert results["b"].value == "in time"


def test_answer_when_without_end_then_coded_and_the_next_check_goes_on():
    ports = FakePorts({"AT+B": ("OK",)})
    ports.answers["AT+A"] = [("y" * 1000,) * 300]
    results = run_on(ports, recipe_of(at_check("a", "AT+A", limit_s=2) + at_check("b", "AT+B")))
    assert results["a"].verdict == "fail"
    assert results["a"].detail.startswith("ML-E06")
    assert results["b"].verdict == "pass"


def test_recipe_when_its_time_is_over_then_the_check_fails_and_the_rest_is_skipped():
    text = "limit_s = 3\n" + at_check("a", "AT+A", limit_s=60) + at_check("b", "AT+A")
    results = run_on(FakePorts({"AT+A": None}), recipe_of(text))
    assert verdicts(results) == {"a": "fail", "b": "skip"}
    assert results["a"].detail.startswith("ML-E1240")
    assert "3 s" in results["b"].detail


def test_run_when_cancelled_then_the_ports_are_let_go():
    async def story():
        ports = FakePorts({"AT+A": None})
        task = asyncio.create_task(run_recipe(recipe_of(at_check("a", "AT+A", limit_s=60)), UnderTest(ports)))
        while not ports.asked:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.gather(*ports.tasks)  # they end when the host has closed

    virtual_time.run(story())


def test_events_when_told_then_each_check_begins_and_ends():
    seen = []
    run_on(FakePorts({"AT+B": ("OK",)}), recipe_of(at_check("a", "AT+A") + at_check("b", "AT+B")), report=seen.append)
    assert [(one.name, one.state) for one in seen if isinstance(one, Step)] == [
        ("check.a", "begin"), ("check.a", "failed"), ("check.b", "begin"), ("check.b", "done"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        (("EC600U", "OK"), "EC600U"),
        (("+CREG: 1", "EC600U", "OK"), "EC600U"),
        (("+CGMM: EC600U", "OK"), "EC600U"),
        (("+CREG: 1", "OK"), ""),
    ],
)
def test_model_when_other_lines_come_between_then_its_own_is_taken(lines, value):
    one = run_on(FakePorts({"AT+CGMM": lines}), recipe_of("[[check]]\nkind = 'model'\nequals = 'EC600U'"))["model"]
    assert (one.value, one.verdict) == (value, "pass" if value else "fail")


@pytest.mark.parametrize(
    ("imei", "verdict", "word"),
    [
        ("490154203237518", "pass", ""),
        ("490154203237517", "fail", "check digit"),
        ("49015420323751", "fail", "does not look like"),
    ],
)
def test_imei_when_its_check_digit_is_wrong_then_fails(imei, verdict, word):
    ports = FakePorts({"AT+GSN": (imei, "OK"), "AT+CGSN": (imei, "OK")})
    one = run_on(ports, recipe_of("[[check]]\nkind = 'imei'"))["imei"]
    assert one.verdict == verdict
    assert word in one.detail


def test_temperature_when_the_firmware_tells_it_then_judged():
    text = "[[check]]\nkind = 'temperature'\nmin = -20\nmax = 60\n"
    good = run_on(FakePorts({"AT+QTEMP": ("+QTEMP: -7", "OK")}), recipe_of(text))["temperature"]
    assert (good.verdict, good.value, good.limits) == ("pass", "-7", "-20..60")
    own = text + "command = 'AT+TEMP?'\npattern = 'PMIC=(\\d+)'\n"
    hot = run_on(FakePorts({"AT+TEMP?": ("XO=30,PMIC=81", "OK")}), recipe_of(own))["temperature"]
    assert (hot.verdict, hot.value) == ("fail", "81")


@pytest.mark.parametrize(
    ("state", "verdict"), [("1", "pass"), ("5", "pass"), ("2", "fail"), ("3", "fail"), ("9" * 50, "fail")]
)
def test_registration_when_told_then_home_and_roaming_are_good(state, verdict):
    ports = FakePorts({"AT+CEREG?": (f"+CEREG: 0,{state}", "OK")})
    assert run_on(ports, recipe_of("[[check]]\nkind = 'registration'\nsettle_s = 0"))["registration"].verdict == verdict
