"""Recordings: the format, damaged files, the comparison, and whole sessions of clients that are not ours."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import threading

import pytest
import serial

from fault_bench import fault_bench
from moduline.errors import BadFormat, NoSuchFile, PortGone, ReplayDiverged, StorageFailed
from moduline.port.address import open_port, resolve
from moduline.port.listing import PortInfo
from moduline.port.offered import Offer
from moduline.port.pair import pair
from moduline.port.recording import (
    Entry,
    Recorder,
    Recording,
    RecordingStream,
    begin_session,
    encode_entry,
    end_session,
    read_recording,
    read_recording_file,
)
from moduline.port.replay import Do, Replay, Script, shown
from moduline.port.stream import pump
from moduline.port.tap import Tap
from moduline.port.watch import Watch

HEAD = b'{"format": "moduline-recording", "version": 1, "address": "virt:m1", "started": 5.5}\n'
REPL = PortInfo("pair", "repl", vid=0x2C7C, pid=0x0901, product="Quectel USB REPL Port")

# The bytes of docs/spec/recording.md, typed by hand.
GOLDEN = [
    ('{"t": 0.01, "port": "repl", "from": "host", "text": "\\r\\u0003"}', Entry(0.01, "host", "repl", b"\r\x03")),
    (
        '{"t": 0.02, "port": "repl", "from": "module", "base64": "UgGAAAE="}',
        Entry(0.02, "module", "repl", b"R\x01\x80\0\1"),
    ),
    ('{"t": 1.5, "port": "at", "from": "module", "text": "\\u4f60"}', Entry(1.5, "module", "at", "你".encode())),
    (
        '{"t": 2.0, "port": "download", "event": "open", "vid": 1317, "pid": 42151}',
        Entry(2.0, "open", "download", vid=0x0525, pid=0xA4A7),
    ),
    ('{"t": 2.5, "port": "download", "event": "gone"}', Entry(2.5, "gone", "download")),
    ('{"t": 3.0, "event": "end"}', Entry(3.0, "end")),
]


@pytest.mark.parametrize(("line", "entry"), GOLDEN, ids=[line[:40] for line, _ in GOLDEN])
def test_entry_when_written_and_read_then_these_bytes(line, entry):
    assert encode_entry(entry) == line
    (read,) = read_recording(HEAD + line.encode() + b"\n").entries
    assert (read.at_s, read.kind, read.port, read.data) == (entry.at_s, entry.kind, entry.port, entry.data)
    assert (read.vid, read.pid, read.product, read.line) == (entry.vid, entry.pid, entry.product, 2)


def test_entry_when_of_any_bytes_then_they_survive():
    for data in (bytes(range(256)), b"\xc3", b"\xed\xa0\x80", "🙂".encode(), b"\\u0000\n", b""):
        line = encode_entry(Entry(0.0, "host", "at", data))
        assert "\n" not in line
        assert read_recording(HEAD + line.encode() + b"\n").entries[0].data == data


GOOD = b'{"t": 1, "port": "at", "from": "host", "text": "AT"}\n'
DAMAGED = {
    "empty": (b"", 0),
    "not json": (b"hello\n", 0),
    "not a recording": (b"{}\n", 0),
    "a list": (b"[1]\n", 0),
    "later version": (HEAD.replace(b'"version": 1', b'"version": 2'), 0),
    "started is text": (HEAD.replace(b"5.5", b'"x"'), 0),
    "binary": (HEAD + b"\xff\xfe\n", len(HEAD)),
    "deep": (HEAD + b"[" * 100_000 + b"\n", len(HEAD)),
    "no time": (HEAD + b'{"port": "at", "event": "gone"}\n', len(HEAD)),
    "time is a flag": (HEAD + GOOD.replace(b"1,", b"true,"), len(HEAD)),
    "time is not finite": (HEAD + GOOD.replace(b"1,", b"NaN,"), len(HEAD)),
    "negative time": (HEAD + GOOD.replace(b"1,", b"-1,"), len(HEAD)),
    "time runs backwards": (HEAD + GOOD + GOOD.replace(b"1,", b"0.5,"), len(HEAD) + len(GOOD)),
    "no port": (HEAD + b'{"t": 1, "from": "host", "text": ""}\n', len(HEAD)),
    "port is a number": (HEAD + b'{"t": 1, "port": 3, "from": "host", "text": ""}\n', len(HEAD)),
    "unknown source": (HEAD + GOOD.replace(b'"host"', b'"cat"'), len(HEAD)),
    "unknown event": (HEAD + b'{"t": 1, "port": "at", "event": "melted"}\n', len(HEAD)),
    "no bytes": (HEAD + b'{"t": 1, "port": "at", "from": "host"}\n', len(HEAD)),
    "both": (HEAD + b'{"t": 1, "port": "at", "from": "host", "text": "", "base64": ""}\n', len(HEAD)),
    "bad base64": (HEAD + b'{"t": 1, "port": "at", "from": "host", "base64": "@@@"}\n', len(HEAD)),
    "half a character": (HEAD + b'{"t": 1, "port": "at", "from": "host", "text": "\\ud800"}\n', len(HEAD)),
    "vid is text": (HEAD + b'{"t": 1, "port": "at", "event": "open", "vid": "x"}\n', len(HEAD)),
    "behind the end": (HEAD + b'{"t": 1, "event": "end"}\n' + GOOD, len(HEAD) + 25),
    "cut off": (HEAD + GOOD + GOOD[:20], len(HEAD) + len(GOOD)),
    "empty line": (HEAD + b"\n" + GOOD, len(HEAD)),
    "endless line": (
        HEAD + b'{"t": 1, "port": "at", "from": "host", "text": "' + b"x" * (1 << 20) + b'"}\n',
        len(HEAD),
    ),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_file_when_damaged_then_coded_error_with_its_place(name):
    data, offset = DAMAGED[name]
    with pytest.raises(BadFormat) as caught:
        read_recording(data)
    assert caught.value.facts["offset"] == offset
    assert caught.value.exit_code == 8
    assert caught.value.message("zh") != caught.value.message("en")


def test_file_when_its_recorder_was_killed_then_readable_and_said_so(tmp_path):
    assert read_recording(HEAD + GOOD).is_whole is False
    assert read_recording(HEAD + GOOD + b'{"t": 1, "event": "end"}\n').is_whole is True
    with pytest.raises(NoSuchFile):
        read_recording_file(tmp_path / "nowhere")
    with pytest.raises(StorageFailed):
        Recorder(tmp_path / "nowhere" / "x.jsonl", "auto")


# ---- recording ---------------------------------------------------------------------------------------------------------


def test_stream_when_recorded_then_everything_is_written_at_once(tmp_path):
    async def story():
        ticks = iter(range(100))
        recorder = Recorder(tmp_path / "a.jsonl", "pair", tick=lambda: float(next(ticks)))
        ours, theirs = pair()
        stream = RecordingStream(ours, REPL, recorder)
        await stream.write_all(b"\r\x03")
        await theirs.write_all(b">>> \xff")
        assert await stream.read_some() == b">>> \xff"
        now = read_recording_file(tmp_path / "a.jsonl")
        assert [entry.kind for entry in now.entries] == ["open", "host", "module"]
        theirs.cut()
        with pytest.raises(PortGone):
            await stream.read_some()
        await stream.close()
        recorder.close()
        recorder.close()
        recorder.add("host", "repl", b"too late")

    asyncio.run(story())
    recording = read_recording_file(tmp_path / "a.jsonl")
    assert recording.is_whole
    assert [(entry.at_s, entry.kind, entry.data) for entry in recording.entries] == [
        (1.0, "open", b""),
        (2.0, "host", b"\r\x03"),
        (3.0, "module", b">>> \xff"),
        (4.0, "gone", b""),
        (5.0, "end", b""),
    ]
    assert (recording.entries[0].vid, recording.entries[0].product) == (0x2C7C, "Quectel USB REPL Port")


def test_stream_when_pumped_then_recorded_too(tmp_path):
    async def story():
        recorder = Recorder(tmp_path / "a.jsonl", "pair")
        ours, theirs = pair()

        async def host():
            await theirs.write_all(b"ping")
            assert await theirs.read_some() == b"PING"
            await theirs.write_all(b"stop")

        def react(data):
            return data.upper() if data == b"ping" else None

        await asyncio.gather(pump(RecordingStream(ours, REPL, recorder), react), host())
        recorder.close()

    asyncio.run(story())
    entries = read_recording_file(tmp_path / "a.jsonl").entries
    assert [(entry.kind, entry.data) for entry in entries] == [
        ("open", b""),
        ("module", b"ping"),
        ("host", b"PING"),
        ("module", b"stop"),
        ("end", b""),
    ]


def test_session_when_begun_then_every_port_this_program_opens_is_recorded(tmp_path):
    async def story():
        async with fault_bench(tmp_path / "module") as one:
            await one.on("running")
            begin_session(tmp_path / "a.jsonl", "test")
            try:
                stream = await open_port(PortInfo(one.module.port_path("at"), "at"))
                await stream.write_all(b"AT\r\n")
                while b"OK\r\n" not in await stream.read_some():
                    continue
                await stream.close()
            finally:
                end_session()
            plain = await open_port(PortInfo(one.module.port_path("at"), "at"))
            assert not isinstance(plain, RecordingStream)
            await plain.close()

    asyncio.run(story())
    recording = read_recording_file(tmp_path / "a.jsonl")
    assert b"".join(entry.data for entry in recording.entries if entry.kind == "module") == b"AT\r\r\nOK\r\n"
    assert [entry.kind for entry in recording.entries][-2:] == ["closed", "end"]


# ---- comparison --------------------------------------------------------------------------------------------------------


def script(*entries):
    return Script(Recording("x", 0.0, tuple(Entry(0.0, *entry, line=at + 2) for at, entry in enumerate(entries))))


@pytest.mark.parametrize("pieces", [[b"AT+GSN\r"], [b"A", b"T+", b"GSN\r"], [bytes([byte]) for byte in b"AT+GSN\r"]])
def test_script_when_host_cuts_its_bytes_otherwise_then_the_same(pieces):
    played = script(("host", "at", b"AT+G"), ("host", "at", b"SN\r"), ("module", "at", b"OK"), ("end",))
    assert played.next() is None
    for piece in pieces[:-1]:
        played.receive("at", piece)
        assert played.next() is None
    played.receive("at", pieces[-1])
    assert played.next() == Do("send", Entry(0.0, "module", "at", b"OK", line=4), 0.0)
    assert played.next() is None
    assert played.is_over


def test_script_when_host_differs_then_says_where():
    played = script(("host", "at", b"ATI\r"), ("module", "at", b"x"), ("host", "at", b"AT+GSN\r"))
    played.receive("at", b"ATI\r")
    assert played.next().kind == "send"
    played.receive("at", b"AT+CS")
    with pytest.raises(ReplayDiverged) as caught:
        played.next()
    facts = caught.value.facts
    assert (facts["line"], facts["port"], facts["offset"]) == (4, "at", 7)
    assert facts["before"] == repr(b"ATI\rAT+")
    assert facts["expected"] == "b'GSN\\r' = 47 53 4e 0d"
    assert facts["found"] == "b'CS' = 43 53"
    assert caught.value.exit_code == 11


def test_script_when_host_says_too_much_or_nothing_then_diverged():
    played = script(("host", "at", b"AT\r"))
    played.receive("at", b"AT\rAT\r")
    with pytest.raises(ReplayDiverged) as caught:
        played.next()
    assert "end of the recording" in caught.value.message()
    silent = script(("host", "at", b"AT\r"))
    silent.receive("at", b"A")
    assert silent.next() is None
    late = silent.stalled(5.0)
    assert (late.facts["offset"], late.facts["expected"]) == (1, "b'T\\r' = 54 0d")
    assert "5 s" in late.message()
    assert "5 秒" in late.message("zh")


def test_script_when_two_ports_speak_then_each_is_compared_by_itself():
    played = script(("host", "at", b"A"), ("host", "repl", b"R"), ("module", "repl", b"r"))
    played.receive("repl", b"R")
    assert played.next() is None
    played.receive("at", b"A")
    assert played.next().entry.data == b"r"


def test_bytes_when_many_then_shown_in_part():
    assert shown(b"x" * 40).endswith("(+8) = " + " ".join(["78"] * 32))


# ---- whole sessions ----------------------------------------------------------------------------------------------------


def client(path, talk, results):
    """A client of another library, in a thread: pyserial."""
    with serial.Serial(path, timeout=5) as port:
        results.append(talk(port))


async def in_thread(path, talk):
    results = []
    thread = threading.Thread(target=client, args=(path, talk, results))
    thread.start()
    while thread.is_alive():
        await asyncio.sleep(0.01)
    return results


def ask_twice(port):
    port.write(b"ATI\r\n")
    first = port.read_until(b"OK\r\n")
    port.write(b"AT+GSN\r\n")
    return first, port.read_until(b"OK\r\n")


def ask_otherwise(port):
    port.write(b"ATI\r\n")
    first = port.read_until(b"OK\r\n")
    port.timeout = 0.5  # before the word after which the other side may hang up at once
    port.write(b"AT+CSQ\r\n")
    with contextlib.suppress(serial.SerialException, OSError):
        return first, port.read_until(b"OK\r\n")
    return first, b""


async def record_at(folder, talk, file):
    """Record a client through a tap on a virtual module."""
    async with fault_bench(folder) as one:
        await one.on("running")
        recorder, arrived = Recorder(file, "at"), asyncio.Event()
        paths = {}

        def on_change(role, path):
            paths[role] = path
            arrived.set()

        fixed = PortInfo(one.module.port_path("at"), "at", vid=0x2C7C, pid=0x0901)
        async with Watch(has_real=False) as watch:
            tap = asyncio.create_task(Tap(fixed.path, fixed, Offer("taps", "t1"), recorder, on_change).run(watch))
            async with asyncio.timeout(30):
                await arrived.wait()
            assert resolve("virt:t1", "at").path == paths["at"]
            heard = await in_thread(paths["at"], talk)
            tap.cancel()
            await asyncio.gather(tap, return_exceptions=True)
        recorder.close()
        return heard


async def replay_to(file, talk, **how):
    player_knows, paths = asyncio.Event(), {}

    def on_port(role, path):
        paths[role] = path
        player_knows.set()

    how = {"limit_s": 5.0, "linger_s": 0.1, **how}
    player = Replay(read_recording_file(file), Offer("replays", "r1"), on_port=on_port, **how)
    playing = asyncio.create_task(player.run())
    async with asyncio.timeout(30):
        await player_knows.wait()
    heard = await in_thread(paths["at"], talk)
    return heard, await playing


def test_session_when_recorded_and_replayed_then_client_hears_the_same(tmp_path):
    file = tmp_path / "s.jsonl"
    first = asyncio.run(record_at(tmp_path / "module", ask_twice, file))
    assert b"866981057532206" in first[0][1]
    for is_timed in (False, True):
        again, played = asyncio.run(replay_to(file, ask_twice, is_timed=is_timed))
        assert again == first
        assert played.host_bytes == len(b"ATI\r\nAT+GSN\r\n")
        assert played.module_bytes == len(first[0][0] + first[0][1])


def test_session_when_replayed_to_another_client_then_diverged(tmp_path):
    file = tmp_path / "s.jsonl"
    asyncio.run(record_at(tmp_path / "module", ask_twice, file))
    with pytest.raises(ReplayDiverged) as caught:
        asyncio.run(replay_to(file, ask_otherwise))
    assert caught.value.facts["offset"] == len(b"ATI\r\nAT+")
    with pytest.raises(ReplayDiverged) as caught:
        asyncio.run(replay_to(file, lambda port: port.write(b"ATI\r\n"), limit_s=0.3))
    assert "0.3 s" in caught.value.message()


def test_replay_when_ports_came_and_went_then_they_do_again(tmp_path):
    """A burn as the tree shows it: AT port, download port under its own identity at the same place, AT port."""
    lines = [
        {"t": 0, "port": "at", "event": "open", "vid": 0x2C7C, "pid": 0x0901},
        {"t": 0, "port": "at", "from": "host", "text": "AT+QDOWNLOAD=1\r\n"},
        {"t": 0, "port": "at", "from": "module", "text": "OK\r\n"},
        {"t": 0.1, "port": "at", "event": "gone"},
        {"t": 0.2, "port": "download", "event": "open", "vid": 0x0525, "pid": 0xA4A7},
        {"t": 0.2, "port": "download", "from": "host", "base64": "fgAAfg=="},
        {"t": 0.2, "port": "download", "from": "module", "base64": "fgGBfg=="},
        {"t": 0.2, "port": "download", "event": "gone"},
        {"t": 0.3, "port": "at", "event": "open", "vid": 0x2C7C, "pid": 0x0901},
        {"t": 0.3, "port": "at", "from": "host", "text": "AT\r\n"},
        {"t": 0.3, "event": "end"},
    ]
    recording = read_recording(HEAD + b"".join(json.dumps(line).encode() + b"\n" for line in lines))

    async def talk(watch, role, text, answer):
        port = await watch.wait_for("virt-replays-r1", [role], 5)
        stream = await open_port(port)
        await stream.write_all(text)
        heard = b""
        while answer not in heard:
            heard += await stream.read_some()
        await stream.close()
        return port

    async def story():
        playing = asyncio.create_task(Replay(recording, Offer("replays", "r1"), limit_s=5, linger_s=0.1).run())
        async with Watch(has_real=False) as watch:
            at = await talk(watch, "at", b"AT+QDOWNLOAD=1\r\n", b"OK\r\n")
            download = await talk(watch, "download", b"\x7e\0\0\x7e", b"\x7e\x01\x81\x7e")
            again = await watch.wait_for("virt-replays-r1", ["at"], 5)
            assert (at.vid, download.vid, download.state) == (0x2C7C, 0x0525, "download")
            assert again.enumeration > download.enumeration > at.enumeration
            assert at.location == download.location == again.location
            stream = await open_port(again)
            await stream.write_all(b"AT\r\n")
            await playing
            await stream.close()
            assert await watch.wait_gone("virt-replays-r1", "at", 5)

    asyncio.run(story())


def test_mpremote_when_recorded_and_replayed_then_prints_the_same(tmp_path):
    """The client is not ours; the recording of a board that echoes the raw REPL's bytes is typed from device-api 3.4."""
    pytest.importorskip("mpremote", reason="the client of this test")
    banner = "raw REPL; CTRL-B to exit\r\n>"
    lines = [
        {"t": 0, "port": "repl", "event": "open"},
        {"t": 0, "port": "repl", "from": "host", "text": "\r\u0003\r\u0001"},
        {"t": 0, "port": "repl", "from": "module", "text": "\r\n>>> " + banner},
        {"t": 0, "port": "repl", "from": "host", "text": "\u0004"},
        {"t": 0, "port": "repl", "from": "module", "text": "OK\r\nMPY: soft reboot\r\n" + banner},
        {"t": 0, "port": "repl", "from": "host", "text": "\u0005A\u0001"},
        {"t": 0, "port": "repl", "from": "module", "base64": "UgGAAAE="},
        {"t": 0, "port": "repl", "from": "host", "text": "print(6*7)\u0004"},
        {"t": 0, "port": "repl", "from": "module", "text": "\u000442\r\n\u0004\u0004>"},
        {"t": 0, "port": "repl", "from": "host", "text": "\r\u0002"},
        {"t": 0, "event": "end"},
    ]
    recording = read_recording(HEAD + b"".join(json.dumps(line).encode() + b"\n" for line in lines))

    async def story():
        known, paths = asyncio.Event(), []

        def on_port(role, path):
            paths.append(path)
            known.set()

        playing = asyncio.create_task(Replay(recording, Offer("replays", "r1"), limit_s=20, on_port=on_port).run())
        await known.wait()
        command = [sys.executable, "-m", "mpremote", "connect", paths[0], "exec", "print(6*7)"]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, timeout=30, check=False, text=True)
        assert done.stdout.strip() == "42", done.stderr
        await playing

    asyncio.run(story())
