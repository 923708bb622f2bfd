"""The REPL protocol byte by byte, without an interpreter: what is sent for what is received."""

import pytest

from moduline.vmodule.interpreter import repl
from moduline.vmodule.interpreter.repl import Complete, Feed, Interrupt, Kind, Phase, Repl, Run, Send, SoftReset, Status

# Typed from device-api 3.2 and 3.4
BANNER = b'Quecpython v1.12 on 2021-06-30 ; EC600S with QUECTEL \r\n Type "help()" for more information.\r\n'
RAW_BANNER = b"raw REPL; CTRL-B to exit\r\n>"


class Bench:
    """A Repl, its clock, and everything it sent."""

    def __init__(self, **switches):
        self.repl = Repl(BANNER, **switches)
        self.now = 100.0
        self.sent = b""
        self.did = []

    def collect(self):
        for action in self.repl.actions():
            if isinstance(action, Send):
                self.sent += action.data
            else:
                self.did.append(action)
        taken, self.sent = self.sent, b""
        return taken

    def say(self, data, *, in_pieces=False):
        if in_pieces:
            for byte in data:
                self.repl.receive(bytes([byte]), self.now)
        else:
            self.repl.receive(data, self.now)
        return self.collect()

    def boot(self, status=Status.ABSENT, error=""):
        self.repl.booted()
        self.collect()
        assert self.did.pop() == Run(Kind.MAIN, "")
        self.repl.started(self.now)
        self.repl.ended(status, error)
        return self.collect()

    def end(self, status=Status.OK, error=""):
        self.repl.ended(status, error)
        return self.collect()

    def after(self, seconds):
        self.now += seconds
        self.repl.tick(self.now)
        return self.collect()


@pytest.fixture(params=[False, True], ids=["whole", "byte-by-byte"])
def in_pieces(request):
    return request.param


def at_prompt(**switches):
    bench = Bench(**switches)
    assert bench.boot() == BANNER + b">>> "
    return bench


def test_boot_without_main_ends_in_banner_and_prompt():
    at_prompt()


def test_factory_handshake_is_answered_with_exactly_ten_bytes(in_pieces):
    """``1`` CR LF gets ``1`` CR LF ``1`` CR LF and the prompt.  Source: device-api 3.7"""
    bench = at_prompt()
    sent = bench.say(b"1\r\n", in_pieces=in_pieces)
    assert bench.did == [Run(Kind.LINE, "1"), Feed(b"\n")]
    bench.repl.started(bench.now)
    bench.repl.take_back(b"\n")
    assert sent + b"1\r\n" + bench.end() == b"1\r\n1\r\n>>> "


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        (b"\x01", b"\r\n" + RAW_BANNER),
        (b"\x02", b"\r\n" + BANNER + b">>> "),
        (b"\x03", b"\r\n>>> "),
        (b"\x05", b"\r\npaste mode; Ctrl-C to cancel, Ctrl-D to finish\r\n=== "),
    ],
)
def test_control_key_at_an_empty_prompt_answers_as_documented(key, answer):
    assert at_prompt().say(key) == answer


def test_ctrl_d_at_an_empty_prompt_resets_and_runs_main_again():
    bench = at_prompt()
    assert bench.say(b"\x04") == b"\r\nMPY: soft reboot\r\n"
    assert bench.did == [SoftReset()]
    assert bench.repl.phase is Phase.BOOTING
    assert bench.say(b"1\r") == b""  # input waits for the prompt
    bench.did.clear()
    bench.repl.booted()
    bench.collect()
    assert bench.did == [Run(Kind.MAIN, ""), Feed(b"1\r")]
    bench.repl.take_back(b"1\r")  # main.py did not read it
    assert bench.end(Status.ABSENT) == BANNER + b">>> 1\r\n"
    assert bench.did[-1] == Run(Kind.LINE, "1")


def test_line_feed_and_non_ascii_at_the_prompt_are_dropped(in_pieces):
    bench = at_prompt()
    assert bench.say("x\n = 1  # 路径\r".encode(), in_pieces=in_pieces) == b"x = 1  # \r\n"
    assert bench.did == [Run(Kind.LINE, "x = 1  # ")]


def test_compound_statement_continues_with_indent_until_an_empty_line(in_pieces):
    bench = at_prompt()
    assert bench.say(b"for i in range(2):\r", in_pieces=in_pieces) == b"for i in range(2):\r\n...     "
    assert bench.say(b"print(i)\r", in_pieces=in_pieces) == b"print(i)\r\n...     "
    assert bench.say(b"\x08\r", in_pieces=in_pieces) == b"\b\b\b\b\x1b[K\r\n"
    assert bench.did == [Run(Kind.LINE, "for i in range(2):\n    print(i)\n")]


def test_open_bracket_and_triple_quote_continue_and_ctrl_c_gives_up():
    bench = at_prompt()
    assert bench.say(b"a = [1,\r") == b"a = [1,\r\n... "
    assert bench.say(b"\x03") == b"\r\n>>> "
    assert bench.say(b"b = '''x\r") == b"b = '''x\r\n... "
    assert bench.say(b"y'''\r") == b"y'''\r\n"
    assert bench.did == [Run(Kind.LINE, "b = '''x\ny'''")]


def test_paste_mode_echoes_and_runs_the_block_with_echoing_expressions(in_pieces):
    bench = at_prompt()
    bench.say(b"\x05")
    text = "if 1:\r    1 + 1\r'é'\r".encode()
    assert bench.say(text, in_pieces=in_pieces) == "if 1:\r\n===     1 + 1\r\n=== 'é'\r\n=== ".encode()
    assert bench.say(b"\x04") == b"\r\n"
    assert bench.did == [Run(Kind.PASTED, "if 1:\n    __repl_print__(1 + 1)\n__repl_print__('é')\n")]
    assert bench.end(Status.RAISED, "Traceback\nE: x\n") == b"Traceback\r\nE: x\r\n>>> "
    assert bench.say(b"\x05junk\x03")[-6:] == b"\r\n>>> "


def test_raw_mode_runs_without_echo_and_puts_the_error_behind_its_mark(in_pieces):
    bench = at_prompt()
    bench.say(b"\x01")
    assert bench.say("print('é')\r\nx".encode() + b"\x04", in_pieces=in_pieces) == b"OK"
    assert bench.did == [Run(Kind.RAW, "print('é')\nx")]
    assert bench.end() == b"\x04\x04>"
    bench.say(b"1/0\x04")
    assert bench.end(Status.RAISED, "Trace\nZ: d\n") == b"\x04Trace\r\nZ: d\r\n\x04>"


def test_raw_mode_ctrl_c_clears_what_was_typed_and_ctrl_a_and_b_do_what_they_say():
    bench = at_prompt()
    bench.say(b"\x01")
    assert bench.say(b"junk\x03good\x04") == b"OK"
    assert bench.did == [Run(Kind.RAW, "good")]
    bench.end()
    assert bench.say(b"abc\x01") == RAW_BANNER
    assert bench.say(b"\x02") == b"\r\n" + BANNER + b">>> "


def test_raw_mode_empty_input_resets_softly_and_skips_main():
    bench = at_prompt()
    bench.say(b"\x01")
    assert bench.say(b"\x04") == b"OK\r\nMPY: soft reboot\r\n"
    assert bench.did == [SoftReset()]
    bench.repl.booted()
    assert bench.collect() == RAW_BANNER
    assert bench.did == [SoftReset()]


def test_raw_paste_grants_windows_and_acknowledges_the_end(in_pieces):
    """Window of 128 bytes, one grant ahead.  Source: device-api 3.5"""
    bench = at_prompt()
    bench.say(b"\x01")
    assert bench.say(b"\x05A\x01", in_pieces=in_pieces) == b"R\x01\x80\x00\x01"
    source = b"x = 1\n" * 50  # 300 bytes: two whole windows
    assert bench.say(source, in_pieces=in_pieces) == b"\x01\x01"
    assert bench.say(b"\x04") == b"\x04"
    assert bench.did == [Run(Kind.RAW, source.decode())]
    assert bench.end() == b"\x04\x04>"


def test_raw_paste_other_letter_and_switched_off():
    bench = at_prompt()
    bench.say(b"\x01")
    assert bench.say(b"\x05X\x01") == b"R\x00>"
    old = at_prompt(is_raw_paste_on=False)
    old.say(b"\x01")
    assert old.say(b"\x05A\x01") == RAW_BANNER  # an older module takes it for Ctrl-A
    assert old.say(b"1\x04") == b"OK"
    assert old.did == [Run(Kind.RAW, "1")]


def test_raw_paste_ctrl_c_aborts_with_the_keyboard_interrupt():
    bench = at_prompt()
    bench.say(b"\x01\x05A\x01")
    sent = bench.say(b"abc\x03")
    assert sent.startswith(b"\x04\x04Traceback")
    assert sent.endswith(b"KeyboardInterrupt: \r\n\x04>")
    assert bench.did == []


def test_ctrl_c_in_raw_mode_interrupts_at_once_and_holds_what_follows_for_the_prompt(in_pieces):
    bench = at_prompt()
    bench.say(b"\x01while 1: pass\x04")
    bench.did.clear()
    bench.repl.started(bench.now)
    assert bench.say(b"in\x03\r\x01", in_pieces=in_pieces) == b""
    fed = b"".join(action.data for action in bench.did if isinstance(action, Feed))
    assert (fed, [a for a in bench.did if not isinstance(a, Feed)]) == (b"in", [Interrupt()])
    bench.did.clear()
    assert bench.end(Status.INTERRUPTED, "K\n") == b"\x04K\r\n\x04>" + RAW_BANNER


def test_ctrl_c_in_friendly_mode_waits_for_the_first_second():
    bench = at_prompt()
    bench.say(b"work()\r")
    bench.repl.started(bench.now)
    bench.did.clear()
    bench.say(b"\x03")
    assert bench.did == []
    assert bench.repl.wake_at == pytest.approx(bench.now + 1.0)
    bench.after(0.9)
    assert bench.did == []
    bench.after(0.11)
    assert bench.did == [Interrupt()]


def test_ctrl_c_within_the_first_second_when_the_line_ends_earlier_is_a_key_at_the_prompt():
    bench = at_prompt()
    bench.say(b"work()\r")
    bench.repl.started(bench.now)
    bench.say(b"\x03")
    assert bench.end() == b">>> \r\n>>> "


def test_input_for_a_running_line_is_type_ahead_for_a_second_and_thrown_away_later():
    bench = at_prompt()
    bench.say(b"work()\r")
    bench.repl.started(bench.now)
    bench.did.clear()
    bench.say(b"2\r")
    assert bench.did == [Feed(b"2\r")]
    bench.repl.take_back(b"2\r")
    assert bench.end() == b">>> 2\r\n"
    bench.repl.started(bench.now)
    bench.after(1.01)
    bench.say(b"3\r")
    bench.repl.take_back(b"3\r")
    assert bench.end() == b">>> "


def test_main_when_interrupted_reboots_without_main_once():
    bench = Bench()
    bench.repl.booted()
    bench.repl.started(bench.now)
    bench.collect()
    bench.after(1.01)
    bench.did.clear()
    bench.say(b"\x03")
    assert bench.did == [Interrupt()]
    assert bench.end(Status.INTERRUPTED, "KeyboardInterrupt: \n") == b"KeyboardInterrupt: \r\nMPY: soft reboot\r\n"
    bench.did.clear()
    bench.repl.booted()
    assert bench.collect() == BANNER + b">>> "
    assert bench.did == []
    bench.say(b"\x04")
    bench.did.clear()
    bench.repl.booted()
    bench.collect()
    assert bench.did == [Run(Kind.MAIN, "")]


def test_main_on_a_module_without_ctrl_c_is_never_interrupted():
    bench = Bench(ctrl_c_stops_main=False)
    bench.repl.booted()
    bench.repl.started(bench.now)
    bench.after(1.01)
    bench.say(b"\x03\x03")
    assert Interrupt() not in bench.did


def test_system_exit_is_a_soft_reset_in_every_mode():
    bench = at_prompt()
    bench.say(b"import sys; sys.exit()\r")
    assert bench.end(Status.EXITED) == b"MPY: soft reboot\r\n"
    assert bench.did[-1] == SoftReset()
    bench.boot()
    bench.say(b"\x01exit()\x04")
    assert bench.end(Status.EXITED) == b"\x04\x04MPY: soft reboot\r\n"


def test_protection_refuses_every_line_and_every_control_key():
    """Source: device-api 3.6"""
    bench = at_prompt()
    bench.repl.guard.protect(is_on=True)
    assert bench.say(b"1+1\r") == b"1+1\r\nREPL refuse\r\n>>> "
    for key in b"\x01\x02\x03\x04\x05":
        assert bench.say(bytes([key])) == b"\r\nREPL refuse\r\n>>> "
    assert bench.did == []


def test_interrupt_byte_when_changed_lets_ctrl_c_through_until_the_run_ends():
    bench = at_prompt()
    bench.say(b"\x01x\x04")
    bench.repl.started(bench.now)
    bench.did.clear()
    bench.repl.set_interrupt_byte(repl.NO_INTERRUPT)
    bench.say(b"a\x03b")
    assert bench.did == [Feed(b"a\x03b")]
    bench.end()
    bench.say(b"y\x04")
    bench.did.clear()
    bench.say(b"\x03")
    assert bench.did == [Interrupt()]


def test_tab_asks_for_names_and_inserts_or_lists_them():
    bench = at_prompt()
    assert bench.say(b"x = uos.li\t") == b"x = uos.li"
    assert bench.did == [Complete("uos.li")]
    assert bench.say(b"!") == b""  # waits for the answer
    bench.repl.completions(["listdir"])
    assert bench.collect() == b"stdir!"
    bench.say(b"\x03")
    bench.say(b"g\t")
    bench.repl.completions(["gc", "getattr", "globals"])
    assert bench.collect() == b"\r\ngc              getattr         globals\r\n>>> g"
    bench.repl.completions(["late"])  # an answer nobody waits for
    assert bench.collect() == b""


def test_status_of_a_frame_that_is_none_counts_as_raised():
    assert repl.status_of(b"") is Status.RAISED
    assert repl.status_of(b"\x09") is Status.RAISED
    assert repl.status_of(b"\x03") is Status.INTERRUPTED
