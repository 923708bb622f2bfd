"""Labels: facts in their places, and nothing that a fact says becomes a command of the printer."""

from __future__ import annotations

import re
import socket
import sys
import threading

import pytest

from moduline.burn import BurnRecord
from moduline.errors import BadOption, LabelFailed
from moduline.line.records.labels import NAMES, qr_template, read_template, render
from moduline.line.records.printing import LabelHook, LabelTarget, print_label, read_target, send

UNIT = BurnRecord(
    id="3f0c5127aa", outcome="PASS", imei="861234567890123", unit="SN-1", model="EC600U", version_after="V2", order="A-17",
    operator="王芳", started=1700049600.0, ended=1700049630.0, slot="A1",
)  # fmt: skip


def label(template, **changes):
    from dataclasses import replace

    return render(read_template(template.encode()), replace(UNIT, **changes)).decode()


def test_zpl_when_plain_then_facts_in_hexadecimal_fields_and_a_native_qr_code():
    template = "^XA^CI28^FO20,20^A0N,30^FD{model} {serial}^FS^FO20,60^BQN,2,6^FDQA,{imei}^FS^FO1,1^FDfixed_text^FS^XZ"
    assert label(template) == (
        "^XA^CI28^FO20,20^A0N,30^FH_^FDEC600U SN-1^FS^FO20,60^BQN,2,6^FH_^FDQA,861234567890123^FS^FO1,1^FDfixed_text^FS^XZ"
    )


@pytest.mark.parametrize(
    ("fact", "sent"),
    [
        ("^XZ~JA^XA", "_5EXZ_7EJA_5EXA"),
        ("a_5Eb", "a_5F5Eb"),
        ("王^", "王_5E"),
        ("two\r\nlines\x1b", "two  lines "),
        ("{imei}{{}}", "_7Bimei_7D_7B_7B_7D_7D"),
    ],
)
def test_zpl_when_a_fact_holds_commands_then_they_are_text(fact, sent):
    made = label("^XA^FD{operator}^FS^XZ", operator=fact)
    assert made == f"^XA^FH_^FD{sent}^FS^XZ"
    hexed = re.search(r"\^FH_\^FD(.*)\^FS", made)[1]
    plain = re.sub("_([0-9A-F]{2})", lambda one: chr(int(one[1], 16)), hexed)
    assert plain == re.sub(r"[\x00-\x1f]", " ", fact), "a printer that reads ^FH prints the fact"


def test_zpl_when_the_field_has_its_own_hexadecimal_sign_then_that_one_is_used():
    assert label(r"^XA^FH\^FDA\7E{operator}^FS^XZ", operator="\\~") == r"^XA^FH\^FDA\7E\5C\7E^FS^XZ"
    assert label("^XA^FH^FDA_7E{operator}^FS^XZ", operator="_") == "^XA^FH^FDA_7E_5F^FS^XZ"


def test_zpl_when_the_fields_own_text_has_the_sign_then_it_stays_text():
    assert label("^XA^FDA_B {imei}^FS^XZ") == "^XA^FH_^FDA_5FB 861234567890123^FS^XZ"


def test_zpl_when_a_fact_stands_outside_of_a_field_then_letters_and_digits_only():
    assert label("^XA^FX {order} ^XZ", order="^XZ~A-1 7,é") == "^XA^FX XZA-17 ^XZ"


def test_xml_when_a_fact_has_marks_then_escaped_and_the_code_is_a_picture():
    made = label("<svg><text a='{order}'>{operator}</text>{qr}</svg>", operator="<b>&\"'", order="'")
    assert "<text a='&#x27;'>&lt;b&gt;&amp;&quot;&#x27;</text>" in made
    assert made.count("<svg") == 2
    assert "<path" in made


def test_text_when_plain_then_braces_facts_and_no_control_characters():
    made = label("{{x}} {operator}|{date} {time}|{version}|{id}", operator="a\nb\x1b[2J")
    assert made == "{x} a b [2J|2023-11-15 12:00:30|V2|3f0c5127aa"


def test_template_when_every_name_is_used_then_none_is_left():
    names = [name for name in NAMES if name != "qr"]
    made = label(" ".join(f"{name}={{{name}}}" for name in names), station="S1", package="p.zip", sha256="ab")
    assert not re.search(r"[{}]", made)
    assert "serial=SN-1" in made


@pytest.mark.parametrize("words", [b"{imie}", b"^XA^FD{qr}^FS^XZ", b"\xff\xfe"])
def test_template_when_it_names_nothing_known_then_refused_before_a_unit_is_burnt(words):
    with pytest.raises(BadOption):
        read_template(words)


@pytest.mark.parametrize(("kind", "begin"), [("png", b"\x89PNG\r\n"), ("svg", b"<?xml")])
def test_code_when_alone_then_a_picture(kind, begin):
    assert render(qr_template("{imei};{serial}", kind), UNIT).startswith(begin)


def test_code_when_the_text_is_too_long_then_refused():
    with pytest.raises(BadOption, match="QR"):
        render(qr_template("{operator}"), BurnRecord(id="a", operator="x" * 5000))


@pytest.mark.parametrize(
    ("words", "target"),
    [
        ("tcp:printer", LabelTarget("tcp", "printer:9100")),
        ("tcp:10.0.0.9:6101", LabelTarget("tcp", "10.0.0.9:6101")),
        ("folder:/x/测试 目录 (1)", LabelTarget("folder", "/x/测试 目录 (1)")),
        ("out/labels", LabelTarget("folder", "out/labels")),
        ("command:lp -d 'label printer'", LabelTarget("command", "lp -d 'label printer'")),
    ],
)
def test_target_when_named_then_understood(words, target):
    assert read_target(words) == target


@pytest.mark.parametrize("words", ["", "tcp:", "tcp:x:0", "tcp:x:99999", "command:", "command:'open", "folder:"])
def test_target_when_it_cannot_be_meant_then_refused(words):
    with pytest.raises(BadOption):
        read_target(words)


def test_label_when_sent_to_a_printer_then_it_gets_every_byte():
    with socket.create_server(("127.0.0.1", 0)) as printer:
        got = []

        def take():
            with printer.accept()[0] as caller:
                while part := caller.recv(65536):
                    got.append(part)

        taker = threading.Thread(target=take)
        taker.start()
        send(b"^XA" + b"x" * 1_000_000 + b"^XZ", LabelTarget("tcp", f"127.0.0.1:{printer.getsockname()[1]}"), "a")
        taker.join(60)
    assert b"".join(got) == b"^XA" + b"x" * 1_000_000 + b"^XZ"


def test_label_when_put_into_a_folder_then_one_whole_file_named_after_the_unit(tmp_path):
    folder = tmp_path / "测试 目录 (1)"
    remark = print_label(UNIT, qr_template("{imei}"), LabelTarget("folder", str(folder)))
    assert remark.is_ok
    assert [one.name for one in folder.iterdir()] == ["861234567890123-3f0c5127.svg"]


def test_label_when_given_to_a_command_then_on_its_input_and_a_bad_end_is_an_error(tmp_path):
    program = "import sys; data = sys.stdin.buffer.read(); open(sys.argv[1], 'wb').write(data); sys.exit(len(data) > 5)"
    words = f"command:'{sys.executable}' -c \"{program}\" '{tmp_path / 'got'}'"
    send(b"label", read_target(words), "a")
    assert (tmp_path / "got").read_bytes() == b"label"
    with pytest.raises(LabelFailed, match="ended with 1"):
        send(b"label too long", read_target(words), "a")


@pytest.mark.parametrize("where", ["tcp:127.0.0.1:1", "folder:/dev/null/x", "command:/no/such/program"])
def test_label_when_it_cannot_be_handed_over_then_a_coded_error(where):
    with pytest.raises(LabelFailed) as failed:
        send(b"x", read_target(where), "a")
    assert failed.value.code == "ML-E1401"


def test_hook_when_units_pass_then_labels_are_noted_and_a_failure_is_told_and_the_verdict_stays(tmp_path):
    kept, told = [], []
    for target in (LabelTarget("folder", str(tmp_path)), LabelTarget("folder", "/dev/null/x")):
        with LabelHook(qr_template("{imei}"), target, lambda name, one: kept.append((name, one)), told.append) as hook:
            hook.finished(UNIT)
            hook.finished(BurnRecord(id="bad", outcome="FAIL"))
    assert [(name, one.kind, one.is_ok) for name, one in kept] == [
        ("3f0c5127aa", "label", True),
        ("3f0c5127aa", "label", False),
    ]
    assert [(one.slug, one.where) for one in told] == [("label.failed", "A1")]
