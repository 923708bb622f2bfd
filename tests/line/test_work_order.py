"""Work orders: the lock, the count, the file, hostile files."""

from __future__ import annotations

import contextlib
import multiprocessing
import random
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from moduline.burn.record import BurnRecord
from moduline.errors import BadOption, BadRecipe, OrderExists, OrderLocked, OrderOver, UnknownOrder
from moduline.line.work_order import (
    all_orders,
    check_bytes,
    check_open,
    close_order,
    format_order,
    lock_order,
    new_order,
    order_path,
    parse_order,
    read_order,
    state_of,
)

# Typed from FIPS 180-2: SHA-256 of "abc".
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def made(name="A-17", data=b"abc", **how):
    return new_order(name, (Path("p.zip"), data), **how)


def record(number, outcome, imei="", sha256=ABC):
    return BurnRecord(id=str(number), place=f"p{number}", imei=imei, outcome=outcome, sha256=sha256)


def test_order_when_locked_then_read_back_with_the_hash_of_its_package():
    order = lock_order(made(count=500, model="EC600U", retries={"port": 3}))
    assert order.sha256 == ABC
    assert read_order("A-17") == order
    raw = tomllib.loads(order_path("A-17").read_text(encoding="utf-8"))
    assert (raw["id"], raw["sha256"], raw["count"], raw["retries"]) == ("A-17", ABC, 500, {"port": 3})
    assert Path(raw["file"]).is_absolute()


def test_lock_when_made_twice_then_the_same_again_is_fine_and_another_is_refused():
    first = lock_order(made())
    assert lock_order(replace(made(), file="/elsewhere/p.zip", created="2030-01-01T00:00:00+00:00")) == first
    for other in (made(data=b"abd"), made(count=1), made(retries={"port": 1}), made(units=(Path("u.csv"), b"x"))):
        with pytest.raises(OrderExists):
            lock_order(other)
    assert read_order("A-17") == first
    assert [path.name for path in order_path("A-17").parent.iterdir()] == ["A-17.toml"]


def _lock(number, results):
    try:
        results.put(lock_order(made(data=str(number).encode())).sha256)
    except OrderExists:
        results.put("")


def test_lock_when_eight_stations_begin_at_once_then_one_makes_it_and_the_others_obey():
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    stations = [context.Process(target=_lock, args=(number, results)) for number in range(8)]
    for station in stations:
        station.start()
    found = [results.get(timeout=60) for _ in stations]
    for station in stations:
        station.join()
    winners = [one for one in found if one]
    assert winners == [read_order("A-17").sha256]


def test_bytes_when_they_are_others_then_refused_with_exit_15():
    order = made(recipe=(Path("r.toml"), b"recipe"))
    check_bytes(order, "sha256", "p.zip", b"abc")
    check_bytes(order, "recipe_sha256", "r.toml", b"recipe")
    for part, data in (("sha256", b"abd"), ("recipe_sha256", b"abc"), ("units_sha256", b"")):
        with pytest.raises(OrderLocked) as refused:
            check_bytes(order, part, "other", data)
        assert (refused.value.code, refused.value.exit_code) == ("ML-E1504", 15)
        assert "A-17" in refused.value.message("en")


def test_state_when_units_pass_then_the_order_counts_down_and_takes_no_more_when_full():
    order = made(count=2)
    records = [
        record(1, "FAIL", "1"),
        record(2, "PASS", "1"),
        record(3, "PASS", "1"),  # the same unit again is no further unit
        record(4, "PASS", "9", sha256="0" * 64),  # other bytes
        record(5, "ABORTED", "2"),
    ]
    state = state_of(order, records)
    assert (state.passed, state.units, state.tries, state.left, state.is_full) == (1, 2, 4, 1, False)
    check_open(order, state)
    full = state_of(order, [*records, record(6, "PASS", "2")])
    with pytest.raises(OrderOver) as over:
        check_open(order, full)
    assert over.value.exit_code == 15
    assert state_of(made(), records).left is None


def test_order_when_closed_then_it_takes_no_more_and_stays_closed():
    lock_order(made())
    closed = close_order("A-17")
    assert close_order("A-17") == closed
    with pytest.raises(OrderOver):
        check_open(closed, state_of(closed, []))
    with pytest.raises(OrderExists):
        lock_order(replace(made(), count=7))
    with pytest.raises(UnknownOrder):
        close_order("B")


@pytest.mark.parametrize(
    "name", ["A-17", "订单 (7)", "a/b", "a_b", "..", "../x", "CON", 'x"y\\z', "  x", "A 17", "A_17"]
)
def test_name_when_odd_then_the_order_stays_in_its_folder_and_comes_back(name):
    lock_order(made(name))
    assert read_order(name).id == name
    assert order_path(name).parent == order_path("A-17").parent
    assert order_path(name).resolve().parent == order_path("A-17").resolve().parent
    assert [order.id for order in all_orders()] == [name]


def test_names_when_they_look_alike_then_they_are_two_orders():
    assert len({order_path(name) for name in ("a/b", "a_b", "a b", "a:b", ".a", "a")}) == 6


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "a\nb", "a\0b", "\x7f"])
def test_name_when_nobody_could_read_it_then_bad_option(name):
    with pytest.raises(BadOption):
        made(name)
    with pytest.raises(BadOption):
        read_order(name)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "id = 1",
        'id = "A"',
        'id = "A"\nsha256 = "xyz"',
        f'id = "A"\nsha256 = "{ABC}"\ncount = "5"',
        f'id = "A"\nsha256 = "{ABC}"\ncount = true',
        f'id = "A"\nsha256 = "{ABC}"\nsurprise = 1',
        f'id = "A"\nsha256 = "{ABC}"\nretries = 3',
        f'id = "A"\nsha256 = "{ABC}"\n[retries]\ngravity = 3',
        f'id = "A"\nsha256 = "{ABC}"\n[retries]\nport = -3',
        f'id = "A"\nsha256 = "{ABC}"\nunits_sha256 = "short"',
        "[[[",
        "a = " + "[" * 10_000,
    ],
)
def test_file_when_it_is_no_order_then_bad_recipe(text):
    with pytest.raises(BadRecipe):
        parse_order(text.encode())


def test_file_when_mutated_then_an_order_or_bad_recipe_and_nothing_else():
    whole = format_order(made(count=5, model="EC600U", retries={"port": 1}, units=(Path("单元.csv"), b"x")))
    assert parse_order(whole).count == 5
    for seed in range(2000):
        chance, data = random.Random(seed), bytearray(whole)
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(data))
            data[at : at + chance.randrange(3)] = bytes(chance.randrange(256) for _ in range(chance.randrange(3)))
        with contextlib.suppress(BadRecipe):  # anything else fails the test
            parse_order(bytes(data))


def test_order_when_written_with_odd_texts_then_toml_reads_the_same():
    order = replace(made(), model='E"C\\600\tU', file="/测试 目录 (1)/p\x7f.zip", recipe="r", recipe_sha256=ABC)
    assert parse_order(format_order(order)) == order
