"""A device, a platform and time in any order against one session (hypothesis, stateful).

What must hold whatever happens: every QoS 2 message is delivered once however often it is sent again before PUBREL;
nothing is acknowledged before the platform has it; events are asked to be kept in the order of the wire; what was said
to the device is on its own topics, and at most the window is under way; the deadline is always ahead; a closed session
does nothing more.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway_rig import DS, PK, RAND
from moduline.cloud.device_link.actions import Ask, Close, Deliver, Send
from moduline.cloud.device_link.limits import SessionLimits
from moduline.cloud.device_link.platform import Admitted, Busy, Cause, Received, Refused, Undelivered
from moduline.cloud.device_link.session import Session, State
from moduline.wire.mqtt import packets as mqtt
from moduline.wire.mqtt.decode import Decoder, Need
from moduline.wire.mqtt.encode import encode
from moduline.wire.quecthing import credentials, frame, messages
from moduline.wire.quecthing.credentials import DeviceName, RefusalCode
from moduline.wire.quecthing.ota_messages import Offer, OfferedComponent, Report

DK = "860000000000001"
CLIENT = "qd" + PK + DK
PS = "0123456789abcdef"
LIMITS = SessionLimits(packets_per_s=2.0, burst_packets=12, unkept=3, unfinished=5, in_flight=2, waiting=3)
OFFER = Offer((OfferedComponent("mod", "V2", 0),))


class SessionMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.now = 0.0
        self.session = Session(1, "192.0.2.1", LIMITS, 0.0)
        self.decoder = Decoder()
        self.pending = []  # deliveries the platform has not kept
        self.fresh = 0  # code of the next message: each is said once
        self.sent_2 = {}  # packet id -> code: QoS 2, not released
        self.answered = {}  # packet id -> code: PUBREC has come
        self.wanted = []  # codes of messages the session must deliver, in order
        self.delivered = []
        self.sends = {}  # packet id of a message to the device, not acknowledged -> how often it came
        self.lost = 0
        self.is_asked = False
        self.closed = None

    def take(self, actions):
        for action in actions:
            assert self.closed is None
            match action:
                case Send(data):
                    self.decoder.feed(data)
                    while not isinstance(packet := self.decoder.next_packet(), Need):
                        self.hear(packet)
                case Ask():
                    assert not self.is_asked
                    self.is_asked = True
                case Deliver(event):
                    self.pending.append(action)
                    self.lost += isinstance(event, Undelivered)
                    if isinstance(event, Received):
                        self.delivered.append(event.message.code)
                case Close(cause):
                    self.closed = cause

    def hear(self, packet):
        if isinstance(packet, mqtt.Publish):
            assert packet.topic.startswith(f"q/1/d/{CLIENT}/")
            sends = self.sends.get(packet.packet_id, 0)
            assert packet.is_duplicate == (sends > 0)
            assert sends < LIMITS.sends
            self.sends[packet.packet_id] = sends + 1
            assert len(self.sends) - self.lost <= LIMITS.in_flight + 1  # one may be given up in the same breath
        elif isinstance(packet, mqtt.PubRec) and packet.packet_id in self.sent_2:
            code = self.sent_2[packet.packet_id]
            assert code not in [one.event.message.code for one in self.pending if isinstance(one.event, Received)]
            self.answered[packet.packet_id] = code

    def say(self, *packets):
        self.take(self.session.receive(b"".join(map(encode, packets)), self.now))

    def is_open(self):
        return self.closed is None

    def is_in(self):
        return self.session.state in {State.ADMITTED, State.READY}

    @precondition(lambda me: me.session.state is State.AWAITED)
    @rule(form=st.integers(0, 1))
    def connect(self, form):
        name = DeviceName(PK, DK)
        password = credentials.later_password(DS, PS, RAND) if form else credentials.first_password(name, PS, RAND)
        self.say(mqtt.Connect(CLIENT, 60, password=password))

    @precondition(lambda me: me.session.state is State.ASKING)
    @rule(verdict=st.sampled_from([Admitted(1, DS)] * 6 + [Refused(RefusalCode.BAD_SIGNATURE), Busy()]))
    def judge(self, verdict):
        self.take(self.session.judged(verdict, self.now))

    @precondition(is_open)
    @rule()
    def subscribe(self):
        if self.session.state is not State.AWAITED:
            self.say(mqtt.Subscribe(1, ((f"q/1/d/{CLIENT}/+", 1),)))

    @precondition(is_in)
    @rule(packet_id=st.integers(1, 8), again=st.booleans(), qos=st.integers(0, 2))
    def publish(self, packet_id, again, qos):
        is_repeated = qos == 2 and packet_id in self.sent_2
        if is_repeated and not again:
            return
        if not is_repeated:
            self.fresh += 1
            self.wanted.append(self.fresh)
            if qos == 2:
                self.sent_2[packet_id] = self.fresh
        code = self.sent_2[packet_id] if qos == 2 else self.fresh
        payload = frame.encode(messages.encode(Report(code), 1))
        self.say(mqtt.Publish(f"q/2/d/{CLIENT}/ota", payload, qos, packet_id if qos else None, is_repeated))

    @precondition(lambda me: me.is_in() and me.answered)
    @rule(pick=st.integers(0, 7))
    def release(self, pick):
        packet_id = sorted(self.answered)[pick % len(self.answered)]
        del self.answered[packet_id], self.sent_2[packet_id]
        self.say(mqtt.PubRel(packet_id))

    @precondition(is_in)
    @rule()
    def ping(self):
        self.say(mqtt.PingReq())

    @precondition(lambda me: me.pending)
    @rule()
    def keep(self):
        self.take(self.session.kept(self.pending.pop(0), self.now))

    @rule()
    def offer(self):
        actions = self.session.send(OFFER, self.now)
        assert actions is None or self.session.state is State.READY
        self.take(actions or [])

    @precondition(lambda me: me.is_in() and not me.session.is_resting)
    @rule()
    def acknowledge(self):
        open_ones = [packet_id for packet_id, sends in self.sends.items() if sends < LIMITS.sends]
        if open_ones:
            del self.sends[open_ones[0]]
            self.say(mqtt.PubAck(open_ones[0]))

    @rule(seconds=st.sampled_from([0.1, 1.0, 10.0, 25.0]))
    def wait(self, seconds):
        self.now += seconds
        self.take(self.session.due(self.now))

    @rule()
    def end(self):
        if self.now > 90.0:
            self.take(self.session.end(Cause.STOPPED))

    @invariant()
    def deliveries_are_a_prefix_of_what_was_said(self):
        assert self.delivered == self.wanted[: len(self.delivered)]

    @invariant()
    def memory_is_bounded(self):
        assert sum(not isinstance(one.event, Undelivered) for one in self.pending) <= LIMITS.unkept + 1

    @invariant()
    def deadline_is_ahead_or_the_end_is_due(self):
        if self.session.state is not State.CLOSED and self.session.deadline > self.now:
            state = self.session.state
            self.take(self.session.due(self.now))
            assert self.session.state is state

    def teardown(self):
        """Everything is kept, time passes without rest: all that was said has been delivered, unless it ended."""
        while self.closed is None and (self.pending or self.session.is_resting) and self.is_in():
            if self.pending:
                self.keep()
            else:
                self.now += 1.0
                self.take(self.session.due(self.now))
        if self.closed is None:
            assert self.delivered == self.wanted
        self.take(self.session.end(Cause.STOPPED))
        assert self.session.receive(b"\xc0\x00", self.now) == []
        assert self.session.due(self.now + 1e9) == []


TestSession = SessionMachine.TestCase
TestSession.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
