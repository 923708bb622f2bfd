"""Updates of every kind on real virtual modules that lose their power: what survives, what bricks, and where."""

from __future__ import annotations

import re
import socket
import sys

import pytest

from moduline.errors import FormatError, NotRehearsable
from rehearsal_rig import MODULE, REBOOTS, V1, V2, changed_scripts, full, rehearse, script, survived, with_scripts
from transcripts.updating import diff, firmware, small_diff, user_image
from transcripts.upgrades import Pair

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the interpreter's sandbox needs Linux")


def bricked(found, place, words):
    """Everything that must be true of one that shows why an update must not go out."""
    undisturbed = found.proof["undisturbed"]
    assert not found.facts["is_good"]
    assert (undisturbed["stopped_in"], found.proof["moments"]) == (place, [])
    assert re.search(words, undisturbed["complaint"]["en"]), undisturbed
    assert "NOT SAFE" in found.page
    assert found.page.count("✕") == 1
    return found


def test_patch_in_place_when_power_goes_then_every_module_ends_at_the_new_version():
    proof = survived(rehearse([("up.bin", small_diff(MODULE))], firmware(MODULE), (V1, V2)), "diff", 8)
    assert proof["operations"]["apply"] > 20
    assert proof["reported"] == {"before": V1, "after": V2}


def test_mini_system_when_power_goes_then_firmware_and_scripts_are_of_one_version():
    pair = Pair(MODULE)
    files = [(f"up.mini_{number}", data) for number, data in enumerate(pair.files("mini", 1), 1)]
    survived(rehearse(files, firmware(MODULE), pair.versions, cuts=6), "mini", 6)


def test_scripts_when_fetched_as_patches_then_each_file_is_old_or_new():
    proof = survived(rehearse(changed_scripts(), with_scripts(), ("", "app-2"), cuts=8), "scripts", 8)
    assert proof["reported"] == {"before": V1, "after": V1}
    assert proof["operations"]["apply"] > 50


def test_scripts_when_main_never_ends_then_it_is_watched_and_survives():
    forever = b"import utime\nwhile True:\n    utime.sleep_ms(20)\n"
    survived(rehearse([("main.py", forever)], with_scripts(main=script(1)), cuts=3), "scripts", 3)


def test_scripts_when_the_new_main_restarts_the_module_then_seen_in_the_first_boot():
    bricked(rehearse([("main.py", REBOOTS)], with_scripts(main=script(1))), "boot", "restarts again and again")


def test_full_package_when_its_scripts_break_the_boot_then_seen_in_the_first_boot():
    (data,) = full({"main.py": REBOOTS, "other.py": b"x"})
    bricked(rehearse([("up.bin", data)], with_scripts(main=script(1)), ("A", "B")), "boot", "restarts again and again")


def test_scripts_when_the_new_main_ends_with_a_traceback_then_its_last_line_is_told():
    files = [("main.py", b"import not_there\n")]
    bricked(rehearse(files, with_scripts(main=script(1))), "boot", "ImportError: no module named 'not_there'")
    ill = with_scripts(main=b"raise ValueError('always')\n")
    survived(rehearse([("lib.py", b"x = 2\n")], ill, cuts=3), "scripts", 3)


FRAGILE = b"""import uos
from misc import Power
if 'moving' in uos.listdir('/usr'):
    Power.powerRestart()
with open('/usr/moving', 'wb') as f:
    for n in range(40):
        f.write(bytes([n]) * 512)
uos.remove('/usr/moving')
"""


def test_scripts_when_only_a_power_cut_at_the_wrong_moment_bricks_them_then_the_page_shows_that_moment():
    found = rehearse([("main.py", FRAGILE)], with_scripts(main=script(1)), cuts=16)
    proof = found.proof
    assert (found.facts["is_good"], proof["undisturbed"]["is_good"]) == (False, True)
    assert 0 < proof["failed"] < 16
    assert proof["operations"]["boot"] > 40, "what main.py writes"
    assert any(one["moment"].startswith("boot:") for one in proof["failures"])
    for one in proof["failures"]:
        assert re.match(r"(download|apply|boot):(cut|tear)@\d+", one["moment"])
        assert "restarts again and again" in one["complaint"]["en"]
        assert f"<title>{one['moment']}</title>" in found.page
    bad = [moment for moment, _, runs, is_good in proof["moments"] if not is_good and runs == ""]
    assert len(bad) == proof["failed"]
    assert len(re.findall(r'style="fill:var\(--bad\)"', found.page)) >= proof["failed"]


def test_patch_when_for_another_chip_then_seen_in_the_download():
    found = rehearse([("up.bin", diff("ec600u"))], firmware(MODULE), (V1, V2))
    bricked(found, "download", "still runs the old version: unisoc8910 is not asr1603")


def test_patch_when_the_artifact_promises_another_version_then_seen_after_the_update():
    bricked(rehearse([("up.bin", diff(MODULE))], firmware(MODULE), (V1, "V2")), "boot", f"reports {V2}.*is V2$")


def test_source_when_it_boots_nothing_but_restarts_then_seen_at_once():
    bricked(rehearse([("main.py", script(2))], with_scripts(main=REBOOTS)), "source", "restarts again and again")


def test_source_when_it_is_no_whole_package_of_a_known_module_then_said_so():
    for source in (user_image(MODULE, {}), b"\0" * 3000, b"PK\x03\x04" + bytes(400)):
        with pytest.raises((NotRehearsable, FormatError)):
            rehearse([("up.bin", diff(MODULE))], source)


def test_scripts_of_strangers_when_they_look_for_the_platform_then_they_reach_nothing():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        port = server.getsockname()[1]
        spy = (
            b"""import usocket, utime
utime.sleep_ms(300)
for host in ('127.0.0.1', 'localhost', '127.9.9.9', 'example.com', '192.168.0.1'):
    try:
        s = usocket.socket()
        s.settimeout(1)
        s.connect((usocket.getaddrinfo(host, %d)[0][-1]))
        s.send(b'GET / HTTP/1.0\\r\\n\\r\\n')
    except Exception as e:
        print('no', host, e)
"""
            % port
        )
        survived(rehearse([("main.py", spy)], with_scripts(main=script(1)), cuts=2), "scripts", 2)
        with pytest.raises(BlockingIOError):
            server.accept()
