"""An honest device over a line that loses, repeats and cuts: every upgrade ends, and ends rightly.

The device here follows ota-semantics 12 and 13 (what it keeps over a power cut, what it sends again after a reconnect,
when it listens to a plan or a URL). Faults are drawn by hypothesis at each message and each step of the device; when
they are used up the line is good, so nothing may be stuck. Source: ota-semantics 15, invariants 1, 5 and 6.
"""

from __future__ import annotations

from collections import deque

from hypothesis import given, settings
from hypothesis import strategies as st

from moduline.cloud.plans.rules import Versions
from moduline.cloud.upgrades import events
from moduline.cloud.upgrades.offer import AskVersions, SayPlan, SayUrl
from moduline.cloud.upgrades.upgrade import Phase, Terms
from upgrade_story import MODULE, Story

GOOD, LOST, TWICE, CUT_AFTER, POWER = "good", "lost", "twice", "cut after", "power"


class Device:
    """One module with an application that accepts every plan."""

    def __init__(self, story, faults, bad_downloads):
        self.story = story
        self.faults = deque(faults)
        self.bad_downloads = deque(bad_downloads)
        self.version = "V1"
        self.step = "idle"
        self.failures = 0
        self.unsent = None
        self.heard = deque(story.says)

    def fault(self):
        return self.faults.popleft() if self.faults else GOOD

    def hear(self, says):
        self.heard.extend(says)

    def say(self, code):
        """A status code, QoS 2; what could not be sent is sent after the next connect."""
        told = Versions(self.version) if code in {11, 12} else None
        event = events.StatusReported(code, MODULE, "mod", told)
        fault = self.fault()
        if fault == POWER:
            return self.power_cut()
        if fault == LOST:
            self.unsent = code
            return self.reconnect()
        self.hear(self.story.tell(event))
        if fault == TWICE:
            self.hear(self.story.tell(event))
        if fault == CUT_AFTER:
            self.reconnect()
        return True

    def reconnect(self):
        self.heard.clear()  # clean session: what was on the way is gone
        self.story.tell(events.Disconnected())
        self.story.now += 2
        self.hear(self.story.tell(events.Connected()))
        self.hear(self.story.tell(events.VersionsReported(Versions(self.version))))
        if self.unsent is not None:
            code, self.unsent = self.unsent, None
            self.say(code)
        return True

    def power_cut(self):
        """What is in RAM is gone; the state of a download or of writing is kept in flash."""
        before, self.step, self.unsent = self.step, "idle", None
        if before in {"accepted", "loading", "loaded"}:
            self.unsent = 6
        elif before == "writing":
            self.unsent = 11 if self.version == "V2" else 12
        self.reconnect()
        return False

    def act(self):
        """Listen to one word of the platform."""
        word = self.heard.popleft()
        if isinstance(word, SayPlan) and self.step in {"idle", "received"}:
            self.step = "received"
            if self.say(1):
                self.step = "accepted"
                self.say(2)
        elif isinstance(word, SayUrl) and self.step in {"idle", "accepted"}:
            self.download()
        elif isinstance(word, AskVersions):
            self.hear(self.story.tell(events.VersionsReported(Versions(self.version))))

    def download(self):
        self.step = "loading"
        for code in (4, 5):
            if not self.say(code):
                return
        if self.bad_downloads and self.bad_downloads.popleft():
            self.failures += 1
            self.step = "idle"
            self.say(6 if self.failures <= 5 else 12)
            return
        self.step = "loaded"
        if not self.say(8):
            return
        self.step = "writing"
        if self.say(9):
            self.story.now += 60
            if self.fault() != POWER:
                self.version = "V2"
            self.unsent = 11 if self.version == "V2" else 12
            self.step = "idle"
            self.reconnect()


faults = st.lists(st.sampled_from([GOOD, GOOD, LOST, TWICE, CUT_AFTER, POWER]), max_size=25)


@settings(max_examples=300, deadline=None)
@given(faults, st.lists(st.booleans(), max_size=7))
def test_upgrade_when_the_line_is_faulty_then_ends_rightly_and_is_never_stuck(faults, bad_downloads):
    story = Story(terms=Terms(timeout_s=3600))
    device = Device(story, faults, bad_downloads)
    for _ in range(300):
        if story.state.phase is Phase.FINAL:
            break
        if device.heard:
            device.act()
        elif story.state.phase is Phase.WAITING:
            story.now += 600  # the next mark of the grid
            if device.version == "V1":
                device.hear(story.offer(versions=Versions("V1")))
            else:
                story.versions("V2")
        else:
            story.now = max(story.now, story.state.deadline)
            device.hear(story.tell(events.TimePassed()))
    assert story.state.phase is Phase.FINAL, "stuck"
    if story.status in {"UPGRADED", "NO_UPDATE"}:
        assert device.version == "V2"
        assert story.reason is None
    else:
        assert story.status == "FAILED"
        assert story.reason is not None
    if not faults and not any(bad_downloads):
        assert story.status == "UPGRADED"


@settings(max_examples=100, deadline=None)
@given(faults)
def test_upgrade_when_over_then_nothing_a_device_says_changes_it(faults):
    story = Story()
    device = Device(story, faults, ())
    for _ in range(100):
        if device.heard:
            device.act()
    if story.state.phase is not Phase.FINAL:
        story.wait(4000)
    if story.state.phase is not Phase.FINAL:
        return
    before = (story.status, story.reason, story.of().status)
    story.codes(1, 2, 4, 5, 6, 8, 9, 11, 12)
    device.reconnect()
    story.versions("V3")
    story.wait(10_000)
    assert (story.status, story.reason, story.of().status) == before
