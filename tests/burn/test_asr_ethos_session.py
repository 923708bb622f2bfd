"""The same burn over ETHOS, against a 1601's side written from the reference alone."""

from __future__ import annotations

from functools import cache

import pytest

from burn.fake_asr_ethos import FakeEthosAsr
from burn.test_asr_session import LINES, assert_written, package_of, talk
from moduline.burn.action import PlanOptions
from moduline.burn.drivers.asr import Session
from moduline.burn.drivers.asr_plan import plan_asr
from moduline.burn.drivers.asr_table import State
from moduline.errors import BadAnswer, WriteFailed
from moduline.events import Progress, Step


@cache
def plan_of():
    old = {"version-bootrom": "2019.01.15"}
    lines = [line | ({"value": old[line["name"]]} if line.get("name") in old else {}) for line in LINES]
    return plan_asr(package_of(lines), PlanOptions())


def burnt(module, **options):
    session = Session(plan_of())
    events, _ = talk(session, module, **options)
    assert session.state is State.DONE
    return events


@pytest.mark.parametrize("fragment", [None, 1, 7])
@pytest.mark.parametrize("options", [{}, {"solicits": True}, {"late": 3}, {"packet_bytes": 0x400}])
def test_burn_over_ethos_when_all_is_well_then_pass(fragment, options):
    module = FakeEthosAsr(0x800000, **options)
    events = burnt(module, fragment=fragment, limit=200000)
    assert_written(module)
    steps = [event for event in events if isinstance(event, Step) and event.name == "burn.connect"]
    assert steps[-1].facts == {"link": "ETHOS"}
    assert not module.solicits


def test_sparse_files_when_sent_then_unframed_and_all_else_in_packets():
    module = FakeEthosAsr(0x800000)
    burnt(module)
    assert module.bulk_rounds == sum(line.startswith("flash:") for line in module.log)
    assert module.packets < 200


def test_progress_over_ethos_then_it_never_falls_and_ends_at_its_end():
    told = [event.done_bytes for event in burnt(FakeEthosAsr(0x800000)) if isinstance(event, Progress)]
    assert told == sorted(set(told))
    assert told[-1] == plan_of().write_bytes


def test_flasher_when_it_speaks_smux_after_the_call_then_the_link_changes():
    class Changes(FakeEthosAsr):
        def feed(self, data):
            if self.link == "smux":
                return self.other.feed(data)
            answer = super().feed(data)
            if self.stage == "flasher" and not self.answers:  # "call" was answered and fetched
                from burn.fake_asr import FakeAsr

                self.other = FakeAsr(0x800000, product="arom", bootrom="2019.01.15")
                self.other.stage, self.other.link, self.link = "flasher", "greeted", "smux"
                return answer + b"\x7e\x55\x41\x42\x54"
            return answer

    module = Changes(0x800000)
    events = burnt(module)
    assert_written(module.other)
    kinds = [event.facts["link"] for event in events if isinstance(event, Step) and event.facts.get("link")]
    assert kinds == ["ETHOS", "SMUX"]


def test_command_when_it_fails_over_ethos_then_its_words_are_told():
    with pytest.raises(WriteFailed) as caught:
        talk(Session(plan_of()), FakeEthosAsr(0x800000, fails={"erase:fota_param": "erase partition failed."}))
    assert caught.value.facts["answer"] == "erase partition failed."


@pytest.mark.parametrize("data", [b"\x00\x01", b"", b"\x00\x01\x00\x08"])
def test_init_when_impossible_then_bad_answer(data):
    class Odd(FakeEthosAsr):
        def _reply(self, number, sequence, found):
            return super()._reply(number, sequence, data if number == 2 else found)

    with pytest.raises(BadAnswer):
        talk(Session(plan_of()), Odd(0x800000))


def test_error_packet_when_it_comes_then_its_text_is_told():
    class Odd(FakeEthosAsr):
        def _reply(self, number, sequence, found):
            return (
                super()._reply(0, sequence, b"no session") if number == 3 else super()._reply(number, sequence, found)
            )

    with pytest.raises(BadAnswer) as caught:
        talk(Session(plan_of()), Odd(0x800000))
    assert "no session" in str(caught.value.facts["answer"])
