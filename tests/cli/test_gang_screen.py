"""The full-screen view of a gang: what each cell shows at every size, keys, mouse, languages; and a whole run."""

from __future__ import annotations

import asyncio
import json
import re
import threading

import pytest
from rich.cells import cell_len

from cli.gang_scene import HEAD, KINDS, NOW, Hand, put, scene, slot_name, snapshot_of
from moduline.burn.record import BurnRecord
from moduline.cli import gang_screen_cell as cell
from moduline.cli import gang_screen_run, gang_screen_text
from moduline.cli.gang_screen import GangScreen, grid_of
from moduline.errors import NoModule
from moduline.events import Notice, Progress, Step
from moduline.line.board import Board, Head
from moduline.line.records.labels import LabelTemplate
from moduline.line.records.printing import LabelTarget
from moduline.line.relay import printer_of

SIZES = [(80, 24), (100, 30), (160, 48), (300, 80), (40, 12), (20, 6), (500, 200), (9, 3)]


def on_screen(app, size, play):
    """Run the app at a size; ``play`` gets its pilot."""

    async def run():
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            return await play(pilot)

    return asyncio.run(run())


def text_of(app):
    """What the screen shows, line by line."""
    strips = app.screen._compositor.render_strips()
    assert len(strips) == app.size.height
    return ["".join(segment.text for segment in strip) for strip in strips]


def screen(count=16, *, lang="en", hand=None, **options):
    return GangScreen(snapshot_of(scene(count)), hand or Hand(), lang, **options)


# ---- one cell -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_cell_when_drawn_at_any_size_then_every_row_is_exactly_as_wide_and_says_the_state(kind, lang):
    board = Board(HEAD, ["A1"])
    put(board, "A1", kind, 3)
    (view,) = board.slots(NOW)
    for width in [1, 2, 3, 7, 8, *range(10, 24), 29, 30, 31, 59, 100, 239]:
        for height in [1, 2, 3, 4, 5, 6, 9, 14]:
            for look in cell.LOOKS:
                rows = cell.draw(view, width, height, lang, look, is_selected=width % 2 == 0)
                assert [sum(cell_len(piece.text) for piece in row) for row in rows] == [width] * height
            if width >= 12 and height >= 2:
                shown = "\n".join("".join(piece.text for piece in row) for row in rows)
                assert cell.SYMBOLS[view.state] in shown or view.is_calling


@pytest.mark.parametrize(("kind", "word"), [("passed", "PASS"), ("failed", "FAIL")])
def test_cell_when_sixteen_stand_on_the_smallest_terminal_then_the_verdict_is_in_big_letters(kind, word):
    """Readable at arm's length: 80x24 and 16 slots leave 19 x 5 characters."""
    board = Board(HEAD)
    put(board, "A1", kind, 3)
    rows = cell.draw(board.slots(NOW)[0], 19, 5, "en", "dark")
    shown = ["".join(piece.text for piece in row).rstrip() for row in rows]
    assert [line.strip() for line in shown[1:4]] == [line.strip() for line in cell.big(word, 17, 3)]
    assert word in shown[4]


@pytest.mark.parametrize("size", [(9, 1), (9, 2), (19, 5), (28, 9), (75, 18)])
def test_cell_when_the_operators_hand_is_needed_then_that_is_what_it_says(size):
    board = Board(HEAD)
    put(board, "A1", "pin", 3)
    rows = cell.draw(board.slots(NOW)[0], *size, "zh", "dark")
    shown = "".join(piece.text for row in rows for piece in row)
    assert "BOOT" in shown or "请按住" in shown
    assert "%" not in shown


def test_big_letters_when_drawn_then_they_look_like_that():
    assert cell.big("PASS", 15, 3) == ("█▀█ █▀█ █▀▀ █▀▀", "█▀▀ █▀█ ▀▀█ ▀▀█", "▀   ▀ ▀ ▀▀▀ ▀▀▀")
    assert cell.big("PASS", 30, 5)[0] == "██████  ██████  ██████  ██████"
    assert cell.big("PASS", 14, 3) == ()
    assert cell.big("通过", 80, 20) == ()


def test_cell_when_the_try_goes_on_then_100_per_cent_is_never_shown():
    board = Board(Head(), ["A1"])
    board.take(Step("burn.enter", "begin", "A1"), 1.0)
    board.take(Progress("burn", 1000, 1000, "A1"), 2.0)
    rows = cell.draw(board.slots(2.0)[0], 40, 3, "en", "dark")
    assert "99%" in "".join(piece.text for row in rows for piece in row)


@pytest.mark.parametrize("look", ["dark", "light"])
@pytest.mark.parametrize("state", [*cell.SYMBOLS, "calling", "unknown"])
def test_colours_when_text_stands_on_its_ground_then_it_can_be_read(look, state):
    """WCAG 2.1, 1.4.3: a contrast of 4.5 to 1 for text; 1.4.11: 3 to 1 for what is drawn."""
    paint = cell.paint_of(state, look)
    for style, least in ((paint.body, 4.5), (paint.title, 4.5), (paint.strong, 4.5), (paint.bar, 3.0)):
        assert contrast(style.color.triplet, style.bgcolor.triplet) >= least


def test_colours_when_red_and_green_look_alike_then_good_and_bad_differ_in_lightness():
    for look in ("dark", "light"):
        good, bad = (cell.paint_of(state, look).body.bgcolor.triplet for state in ("passed", "failed"))
        assert contrast(good, bad) > 3.0


def contrast(one, other):
    lighter, darker = sorted((lightness(one), lightness(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def lightness(triplet):
    parts = [part / 255 for part in triplet]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_when_it_is_wrapped_then_wide_characters_count_two_and_nothing_is_lost():
    for text in ("重新上电可重试，或取出待修", "power it again to retry, or put it aside", "MIDST_DATA 的应答为 0x8B"):
        for width in range(2, 30):
            lines = cell.wrapped(text, width, 99)
            assert all(cell_len(line) <= width for line in lines)
            assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert cell.wrapped("one two three", 5, 2) == ["one", "two… "]


# ---- the grid -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "size", "expected"),
    [
        (1, (80, 21), (1, 1, 80, 21)),
        (8, (80, 21), (4, 2, 20, 10)),
        (16, (80, 21), (4, 4, 20, 5)),
        (16, (300, 77), (4, 4, 75, 19)),
        (64, (160, 45), (8, 8, 20, 5)),
        (64, (80, 21), (8, 8, 10, 2)),
    ],
)
def test_grid_when_laid_out_then_cells_are_as_large_as_they_get(count, size, expected):
    assert grid_of(count, *size) == expected


@pytest.mark.parametrize("size", SIZES)
def test_grid_when_any_number_stands_on_any_terminal_then_all_cells_have_their_place(size):
    for count in range(65):
        columns, rows, width, height = grid_of(count, *size)
        assert columns * rows >= count
        assert width >= 1
        assert height >= 1
        assert columns * width <= max(size[0], 1)


# ---- the app --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "size"), [(1, (80, 24)), (64, (40, 12)), (1, (9, 3)), (16, (300, 80)), (64, (20, 6))]
)
def test_screen_when_any_number_stands_on_any_terminal_then_it_is_drawn(count, size):
    async def play(pilot):
        for key in ("end", "enter", "l", "enter", "home", "t"):
            await pilot.press(key)
        return text_of(pilot.app)

    lines = on_screen(screen(count), size, play)
    assert all(cell_len(line) == size[0] for line in lines)


def test_screen_when_it_starts_then_head_cells_and_keys_are_there():
    async def play(pilot):
        return text_of(pilot.app)

    lines = on_screen(screen(), (160, 45), play)
    assert "order A-17" in lines[0]
    assert "QUEC_TEST_1.0.0.zip  3f5a9c1287de" in lines[0]
    assert "operator Li Wei" in lines[0]
    assert "station L2-03" in lines[0]
    assert "✔ pass 4  ✘ fail 2" in lines[1]
    assert "yield 50.0 %" in lines[1]
    assert "02:12:34" in lines[1]
    assert "Enter  details" in lines[-1]
    shown = "\n".join(lines)
    for word in ("empty", "REFUSED", "ERROR", "ABORTED", "burning", "checking", "waiting", "settling"):
        assert word in shown


def test_screen_when_the_smallest_terminal_has_64_slots_then_each_says_its_state():
    async def play(pilot):
        return "\n".join(text_of(pilot.app))

    shown = on_screen(screen(64), (80, 24), play)
    assert shown.count("✔ PASS") == 16
    assert shown.count("✘ FAIL") == 8
    assert all(slot_name(index) in shown for index in range(64))


def test_language_when_switched_then_everything_speaks_it_at_once():
    async def play(pilot):
        before = "\n".join(text_of(pilot.app))
        await pilot.press("l")
        return before, "\n".join(text_of(pilot.app))

    english, chinese = on_screen(screen(), (160, 45), play)
    assert "请取出" not in english
    assert "take it out" not in chinese
    for word in ("工单 A-17", "通过", "失败", "拒绝", "请取出", "良率", "English"):
        assert word in chinese


def test_keys_when_a_slot_is_chosen_then_its_details_open_beside_the_cells():
    async def play(pilot):
        for key in ("right", "right", "right", "enter"):
            await pilot.press(key)
        await pilot.pause()
        return "\n".join(text_of(pilot.app))

    shown = on_screen(screen(), (160, 45), play)
    assert "ML-E0901 SYSTEM: module answered 0x8B" in shown
    assert "burn.write-failed" in shown
    assert re.search(r"✔ into download mode +3\.0 s", shown)
    assert re.search(r"✘ writing SYSTEM +28\.0 s", shown)
    assert "A4-3" in shown
    assert "✔ PASS" in shown


def test_details_when_the_terminal_is_narrow_then_they_take_the_place_of_the_cells_until_escape():
    async def play(pilot):
        await pilot.press("enter")
        await pilot.pause()
        opened = "\n".join(text_of(pilot.app))
        await pilot.press("escape")
        await pilot.pause()
        return opened, "\n".join(text_of(pilot.app))

    opened, closed = on_screen(screen(), (80, 24), play)
    assert "868888770006665" in opened
    assert "A2" not in opened
    assert "A2" in closed


def test_mouse_when_a_cell_is_clicked_then_it_is_chosen_and_twice_opens_it():
    async def play(pilot):
        await pilot.click("#wall", offset=(90, 3))
        chosen = pilot.app.wall.view.slot
        await pilot.click("#wall", offset=(90, 3), times=2)
        await pilot.pause()
        return chosen, pilot.app.screen.has_class("detailed")

    assert on_screen(screen(), (160, 45), play) == ("A3", True)


def test_keys_when_the_edge_is_reached_then_the_choice_stays():
    async def play(pilot):
        wall, seen = pilot.app.wall, []
        for key in ("left", "up", "end", "right", "down", "home"):
            await pilot.press(key)
            seen.append(wall.view.slot)
        return seen

    assert on_screen(screen(), (160, 45), play) == ["A1", "A1", "B8", "B8", "B8", "A1"]


def test_quit_when_pressed_once_then_asked_and_twice_then_aborted():
    hand = Hand()

    async def play(pilot):
        await pilot.press("q")
        once = list(hand.asked), text_of(pilot.app)[0]
        await pilot.press("q")
        await pilot.press("q")
        return once, list(hand.asked)

    (before, line), after = on_screen(screen(hand=hand), (100, 30), play)
    assert before == []
    assert "press q again" in line
    assert after == ["abort"]


def test_interrupt_when_pressed_once_then_nothing_new_begins_and_twice_then_aborted():
    hand = Hand()

    async def play(pilot):
        await pilot.press("ctrl+c")
        once = list(hand.asked), text_of(pilot.app)[0]
        await pilot.press("ctrl+c")
        return once, list(hand.asked)

    (before, line), after = on_screen(screen(hand=hand), (100, 30), play)
    assert before == ["stop"]
    assert "no new units" in line
    assert after == ["stop", "abort"]


def test_keys_when_the_gang_can_neither_stop_nor_print_then_they_are_not_offered():
    hand = Hand(can_stop_taking=False, can_print=False)

    async def play(pilot):
        await pilot.press("s")
        await pilot.press("r")
        return text_of(pilot.app)[-1]

    line = on_screen(screen(hand=hand), (160, 45), play)
    assert "no new units" not in line
    assert "label" not in line
    assert hand.asked == []


def test_label_when_wanted_again_then_that_of_the_chosen_unit_if_it_passed():
    hand = Hand()

    async def play(pilot):
        await pilot.press("r")
        for _ in range(3):
            await pilot.press("right")
        await pilot.press("r")
        return text_of(pilot.app)[0]

    assert "no unit has passed here" in on_screen(screen(hand=hand), (160, 45), play)
    assert hand.asked == ["868888770006665"]


async def laid_out(pilot, is_so):
    """The screen as soon as it is so, or as it is after two seconds: a new size takes several rounds to arrive."""
    for _ in range(100):
        await pilot.pause(0.02)
        text = text_of(pilot.app)
        if is_so(text):
            break
    return text


def test_screen_when_resized_then_laid_out_anew_and_back_again():
    async def play(pilot):
        before = text_of(pilot.app)
        await pilot.resize_terminal(60, 20)
        small = await laid_out(pilot, lambda text: len(text) == 20)
        await pilot.resize_terminal(160, 45)
        return before, small, await laid_out(pilot, before.__eq__)

    before, small, after = on_screen(screen(), (160, 45), play)
    assert len(small) == 20
    assert before == after


def test_screen_when_cells_do_not_fit_then_the_chosen_one_is_brought_into_sight():
    async def play(pilot):
        first = "\n".join(text_of(pilot.app))
        await pilot.press("end")
        await pilot.pause()
        return first, "\n".join(text_of(pilot.app))

    first, last = on_screen(screen(64), (20, 9), play)
    assert "A1" in first
    assert "H8" not in first
    assert "H8" in last


def test_screen_when_little_changes_then_only_those_cells_are_drawn():
    board = scene(64)

    async def play(pilot):
        wall = pilot.app.wall
        before = wall.drawn
        pilot.app.look()
        still = wall.drawn
        board.take(Notice("slot.state", "A1", {"state": "empty"}), NOW)
        pilot.app.look()
        return still - before, wall.drawn - still

    app = GangScreen(snapshot_of(board), Hand())
    assert on_screen(app, (160, 45), play) == (0, 1)


def test_screen_when_a_slot_appears_then_it_gets_its_cell():
    board = scene(4)

    async def play(pilot):
        board.take(Notice("slot.state", "C7", {"state": "settling"}), NOW)
        pilot.app.look()
        await pilot.pause()
        return "\n".join(text_of(pilot.app))

    assert "C7" in on_screen(GangScreen(snapshot_of(board), Hand()), (100, 30), play)


def test_screen_when_the_gang_is_over_then_it_leaves():
    hand = Hand()

    async def play(pilot):
        hand.has_ended = True
        pilot.app.look()
        await pilot.pause()
        return pilot.app.is_running

    assert on_screen(screen(hand=hand), (100, 30), play) is False


def test_screen_when_colours_are_not_wanted_then_none_is_used():
    async def play(pilot):
        app = pilot.app
        return [segment.style for strip in app.screen._compositor.render_strips() for segment in strip if segment.style]

    styles = on_screen(screen(is_plain=True), (100, 30), play)
    assert {(style.color.name if style.color else "default") for style in styles} == {"default"}
    assert {(style.bgcolor.name if style.bgcolor else "default") for style in styles} == {"default"}
    assert any(style.reverse for style in styles)


def test_head_when_the_terminal_is_narrow_then_counts_and_yield_stay():
    board = scene(16)
    for width in (40, 60, 80):
        first, second = gang_screen_text.head_lines(HEAD, board.totals(NOW), width, "en").plain.split("\n")
        assert cell_len(first) == cell_len(second) == width
    assert "✔ 4  ✘ 2" in second
    assert "50.0 %" in second


def test_details_when_checks_were_made_then_each_with_value_and_limits():
    board = Board(HEAD)
    put(board, "A1", "tested", 3)
    text = gang_screen_text.slot_text(board.slots(NOW)[0], "en", 60).plain
    assert "✘ signal: 4 (>= 12) too weak" in text
    assert "✔ imei: 868888770036665" in text


# ---- engine and screen side by side ---------------------------------------------------------------------------------


def gang_that(records, *, failure=None, thread=None):
    async def work(report, on_record):
        if thread is not None:
            thread.append(threading.current_thread())
        for number, outcome in enumerate(records):
            report(Step("burn.enter", "begin", f"A{number}"))
            on_record(BurnRecord(id=str(number), slot=f"A{number}", outcome=outcome))
        if failure is not None:
            raise failure
        return [BurnRecord(id=str(number)) for number in range(len(records))]

    return work


def test_gang_when_there_is_no_terminal_then_told_as_lines_and_its_records_given(capsys):
    records = gang_screen_run.watch_gang(gang_that(["PASS", "FAIL"]), Head())
    assert [record.id for record in records] == ["0", "1"]
    assert "A1: FAIL" in capsys.readouterr().err


def test_gang_when_json_lines_are_wanted_then_events_and_records_on_stdout(capsys):
    gang_screen_run.watch_gang(gang_that(["PASS"]), Head(), as_jsonl=True)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in lines] == ["step", "record"]


def test_gang_when_it_fails_then_its_error_is_raised_here():
    with pytest.raises(NoModule):
        gang_screen_run.watch_gang(gang_that([], failure=NoModule(address="rack")), Head())


def test_gang_when_a_screen_is_wanted_and_cannot_be_then_it_says_why_and_goes_on(capsys):
    assert gang_screen_run.watch_gang(gang_that(["PASS"]), Head(), screen=True)
    assert "no screen: this is no terminal" in capsys.readouterr().err


def test_gang_when_its_output_is_closed_then_it_goes_on(monkeypatch):
    class Closed:
        def write(self, _):
            raise BrokenPipeError

        def flush(self):
            raise BrokenPipeError

    monkeypatch.setattr("sys.stdout", Closed())
    assert len(gang_screen_run.watch_gang(gang_that(["PASS"] * 3), Head(), as_jsonl=True)) == 3


@pytest.mark.parametrize(("folder", "slug"), [("labels", "label.printed"), ("file/labels", "label.failed")])
def test_label_when_printed_again_then_it_lies_there_or_the_reason_is_told(tmp_path, folder, slug):
    (tmp_path / "file").touch()
    target = LabelTarget("folder", str(tmp_path / folder))
    again = printer_of((LabelTemplate("^XA{imei}^XZ", "zpl"), target))
    event = again(BurnRecord(id="1234567890", slot="A1", imei="868888777766665", outcome="PASS"))
    assert (event.slug, event.where, event.facts["imei"]) == (slug, "A1", "868888777766665")
    assert len(list(tmp_path.glob("labels/868888777766665-*"))) == (slug == "label.printed")


def test_gang_when_it_runs_then_in_a_thread_of_its_own():
    threads = []
    gang_screen_run.watch_gang(gang_that([], thread=threads), Head())
    assert threads[0] is not threading.current_thread()
