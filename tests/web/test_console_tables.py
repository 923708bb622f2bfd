"""Tables of devices, tags as people write them, addresses of the page of devices: all without a browser."""

from __future__ import annotations

import asyncio

import pytest

from moduline.errors import BadField
from moduline.web.console.device_acts import blocks, tags_of
from moduline.web.console.device_asked import Asked
from moduline.web.console.device_rows import device_row, state_of
from moduline.web.console.device_tables import BLOCK, read_table, send_table


class Platform:
    """Takes devices and says which of them were new."""

    def __init__(self, known=()):
        self.known = set(known)
        self.calls = []

    async def post(self, path, body):
        self.calls.append((path, body))
        keys = [one["dk"] for one in body.get("devices", body.get("units"))]
        made = [dk for dk in keys if dk not in self.known]
        return {"new": len(made), "known": len(keys) - len(made), "made": made}


def sent(table, known=(), product=3):
    platform, shares = Platform(known), []
    done, new, old = asyncio.run(send_table(platform, product, table, shares.append))
    return platform, done, (new, old), shares


def test_table_when_lines_differ_then_each_has_its_result_and_faulty_ones_are_never_sent():
    table = read_table(b"dk,version,tags\n860000000000001,V1,pilot\nno key!,V1,\n860000000000002,V2,\n")
    assert [(one.line, one.dk, one.result) for one in table.lines] == [
        (3, "", "faulty"),
        (0, "860000000000001", "ready"),
        (0, "860000000000002", "ready"),
    ]
    assert (table.faults, table.lines[0].field, table.is_line) == (1, "dk", False)
    platform, done, counts, shares = sent(table, known=["860000000000002"])
    assert [(one.dk, one.result) for one in done.lines[1:]] == [
        ("860000000000001", "new"),
        ("860000000000002", "known"),
    ]
    assert (counts, shares) == ((1, 1), [1.0])
    assert [path for path, _ in platform.calls] == ["/v1/devices/adopt"]
    assert platform.calls[0][1]["product"] == 3
    assert [one["dk"] for one in platform.calls[0][1]["devices"]] == ["860000000000001", "860000000000002"]


def test_table_when_it_is_longer_than_a_block_then_it_goes_in_several():
    lines = "".join(f"86{number:013d}\n" for number in range(BLOCK + 1))
    platform, _, counts, shares = sent(read_table(f"dk\n{lines}".encode()))
    assert [len(body["devices"]) for _, body in platform.calls] == [BLOCK, 1]
    assert counts == (BLOCK + 1, 0)
    assert shares == [BLOCK / (BLOCK + 1), 1.0]


def test_table_when_it_is_of_the_line_then_only_what_passed_is_sent_as_units():
    head = "imei,outcome,version_after,order\n"
    table = read_table(f"{head}860000000000001,PASS,V1,A-17\n860000000000002,FAIL,,A-17\n".encode())
    assert table.is_line
    assert [(one.dk, one.about) for one in table.lines] == [("860000000000001", "V1 A-17")]
    platform, _, _, _ = sent(table)
    path, body = platform.calls[0]
    assert path == "/v1/devices/import"
    assert list(body["units"]) == [
        {"dk": "860000000000001", "version": "V1", "attributes": {"line.order": "A-17"}},
    ]


@pytest.mark.parametrize(
    ("data", "name", "keys"),
    [
        ("dk;attr.site\n860001;水表\n".encode("gb18030"), "x.csv", ["860001"]),
        (b'\xef\xbb\xbf{"dk": "860001"}\n', "x", ["860001"]),
        (b'{"dk": "860001"}\n{"dk": ', "x.jsonl", ["860001"]),
        (b"devicekey,devicesecret\r\n860001,abc\r\n", "", ["860001"]),
    ],
)
def test_table_when_it_comes_in_another_form_then_it_is_known_by_its_looks(data, name, keys):
    assert [one["dk"] for one in read_table(data, name).body] == keys


@pytest.mark.parametrize("data", [b"", b"\0\0\0", b"a,b\n1,2\n", b"\xff\xfe\x00"])
def test_table_when_it_is_none_then_it_says_what_is_missing(data):
    with pytest.raises(BadField):
        read_table(data)


def test_tags_when_written_by_people_then_read_with_either_comma():
    assert tags_of("pilot, site=Berlin，batch = 7,,", "old，older") == {
        "pilot": "",
        "site": "Berlin",
        "batch": "7",
        "old": None,
        "older": None,
    }
    assert tags_of(" ", "") == {}


def test_numbers_when_many_then_in_blocks_of_what_a_call_takes():
    assert [len(one) for one in blocks(list(range(2001)))] == [1000, 1000, 1]
    assert list(blocks([])) == []


def test_address_when_read_and_written_then_the_page_is_the_same():
    asked = Asked(product=3, q="86 0", online="yes", version="V1", tag="pilot", filter="tag==a;version<1.10", after=7)
    assert asked.address == (
        "/console/devices?product=3&q=86%200&online=yes&version=V1&tag=pilot&filter=tag%3D%3Da%3Bversion%3C1.10&after=7"
    )
    assert Asked().address == "/console/devices"
    assert asked.query() == {
        "product": 3,
        "find": "86 0",
        "is_online": True,
        "is_enabled": None,
        "version": "V1",
        "tag": "pilot",
        "filter": "tag==a;version<1.10",
    }


def test_address_when_it_is_nonsense_then_it_is_as_if_it_were_not_there():
    wild = {"product": "-1", "after": "9" * 99, "online": "maybe", "enabled": "no", "other": "x", "q": "a"}
    assert Asked.of_query(wild) == Asked(q="a", enabled="no")
    assert Asked.of_query({"product": "٣", "after": "1e3"}) == Asked()


def test_state_when_switched_off_then_that_wins_over_being_online(monkeypatch):
    monkeypatch.setattr("moduline.web.console.device_rows.t", lambda slug, **facts: slug)
    one = {"id": 1, "dk": "860001", "product_id": 2, "last_seen": None, "is_online": True, "is_enabled": False}
    one |= {
        "tags": {"line.unit": "SN1", "line.order": "A", "b": "2", "a": ""} | {f"t{at}": "" for at in range(9)},
        "versions": [{"type": 0, "component": "", "version": "V1"}, {"type": 1, "component": "mcu1", "version": "7"}],
    }
    assert state_of(one) == ("bad", "block", "devices.off")
    assert state_of(one | {"is_enabled": True})[2] == "devices.online.yes"
    row = device_row(one, {2: "meter"})
    assert (row["unit"], row["product"], row["versions"]) == ("SN1", "meter", "V1\nmcu1 7")
    assert row["tags"].split("\n") == ["b=2", "a", "t0", "t1", "t2", "t3", "+5"]
