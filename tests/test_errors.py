"""The error tree as a user meets it: texts, facts, languages."""

from __future__ import annotations

from moduline.errors import BadFormat, BadOption, Text


def test_message_when_facts_are_given_then_names_them_in_both_languages():
    failure = BadFormat(format="pac", reason=Text("truncated", "被截断"), offset=12)
    assert failure.message("en") == "pac: truncated at offset 12"
    assert failure.message("zh") == "pac：偏移 12 处被截断"
    assert str(failure) == "ML-E0801 pac: truncated at offset 12"


def test_message_when_a_text_fact_names_another_fact_then_it_is_filled_in():
    failure = BadOption(name="--size", reason=Text("{given} is not a size", "{given} 不是大小"), given="x")
    assert failure.message("zh") == "--size：x 不是大小"


def test_message_when_a_fact_is_missing_then_shows_a_question_mark_instead_of_raising():
    assert BadOption(name="--size").message() == "--size: ?"


def test_message_when_a_users_words_hold_braces_then_they_are_shown_as_they_are():
    for words in ("a{b", "}", "{}", "{0.x}", "{a.b.c!z}"):
        assert words in BadOption(name="--size", reason=Text(f"bad {words}", f"错误 {words}")).message("zh")


def test_text_when_a_fact_is_a_text_that_names_another_then_all_are_filled_in():
    reason, state = Text("it is {state}, which is final", "{state}，不可再更改"), Text("ended", "已结束")
    said = Text("plan '{name}': {reason}", "升级计划 '{name}'：{reason}")
    facts = {"name": "p", "reason": reason, "state": state}
    assert said.say("en", **facts) == "plan 'p': it is ended, which is final"
    assert said.say("zh", **facts) == "升级计划 'p'：已结束，不可再更改"
    assert Text("{a}", "{a}").say("en", a=Text("{b}", "{b}"), b=Text("{a}", "{a}"))  # each other: no end, no raise
