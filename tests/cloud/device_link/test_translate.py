"""QuecThing messages <-> what the rules speak of; numbers typed from ota-semantics 11.4, 11.5."""

from decimal import Decimal

from moduline.cloud.artifacts.rules import ComponentType
from moduline.cloud.device_link.translate import controllers_of, facts_of, message_of, status_of
from moduline.cloud.plans.rules import Versions
from moduline.cloud.upgrades.events import StatusReported
from moduline.cloud.upgrades.offer import AskVersions, LookAgain, PlanItem, SayMove, SayPlan, SayUrl
from moduline.cloud.upgrades.rows import Downlink, FileLink
from moduline.wire.quecthing import frame, messages
from moduline.wire.quecthing.ota_messages import Firmware, FirmwareFile, Offer, OfferedComponent, Report
from moduline.wire.quecthing.sys_messages import DeviceInformation, DeviceStatus, ReadInformation

MODULE, MCU = ComponentType.MODULE, ComponentType.MCU
PLACE = "http://127.0.0.1:8080/"
FILE = FileLink("a", 0, "v2.bin", 170, "d41d8cd98f00b204e9800998ecf8427e", "e3b0" * 16, "ffffffff")


def said(say, *files, **wishes):
    return message_of(Downlink(1, 1, say, files), PLACE, **wishes)


def hexed(message, packet_id):
    return frame.encode(messages.encode(message, packet_id)).hex().upper()


def test_status_when_numbers_come_as_decimals_then_plain_and_rounded():
    """A device sent 3.82 V with fifteen digits."""
    told = DeviceStatus(Decimal(80), Decimal("3.819999999999999"), Decimal(-71), Decimal(0), is_answer=True)
    assert facts_of(told) == {"battery": 80, "voltage": 3.82, "signal": -71, "free_flash": 0}
    assert type(facts_of(told)["battery"]) is int


def test_information_when_texts_are_empty_then_left_out_and_versions_are_no_facts():
    told = DeviceInformation("EC600U", "V1", "mcu1:1.0;", iccid="", sdk_version="2.9.0")
    assert facts_of(told) == {"model": "EC600U", "sdk_version": "2.9.0"}
    assert controllers_of(told.mcu_versions) == {"mcu1": "1.0"}
    assert controllers_of("") is None
    assert controllers_of(None) is None


def test_report_when_read_then_the_event_of_the_rules():
    assert status_of(Report(1, "REVICEPLAN", 0, "mod")) == StatusReported(1, MODULE, "mod", None, "REVICEPLAN")
    told = Report(11, "UPDATESUCCESS", 1, "mcu1", None, "V2", "mcu1:1.0;")
    versions = Versions("V2", {"mcu1": "1.0"})
    assert status_of(told) == StatusReported(11, MCU, "mcu1", versions, "UPDATESUCCESS")
    assert status_of(Report(4)) == StatusReported(4, MODULE, "")
    assert status_of(Report(1, None, 7, "mod")) is None


def test_plan_when_of_one_component_then_the_vector_of_section_14():
    plan = SayPlan(1, (PlanItem("mod", MODULE, "V1", "V2", 30, 19656, -113),))
    assert hexed(said(plan), 2) == (
        "AAAA00292700020111002300036D6F64002B00025631003300025632003A00000042001E004A014CC800528071"
    )


def test_move_when_said_then_a_server_inside_command_00b4():
    """Id 1 is a struct (tag 000C) of two: id 2 bytes (0013), id 4 number (0022); 1883 is 075B, 10.0.0.9 is id 3 (001B)."""
    moved = messages.encode(said(SayMove("ota.example.com", "", 1883)), 2)
    assert moved.command == 0x00B4
    assert moved.payload.hex() == "000c00020013000f" + b"ota.example.com".hex() + "002201075b"
    assert messages.encode(said(SayMove("", "10.0.0.9", 8)), 2).payload.hex() == (
        "000c0002001b0008" + b"10.0.0.9".hex() + "00220008"
    )


def test_plan_when_of_several_components_then_in_their_order():
    plan = SayPlan(1, (PlanItem("mcu1", MCU, "", "2.0", 0, 9, 0), PlanItem("mod", MODULE, "V1", "V2", 0, 9, 0)))
    assert said(plan) == Offer(
        (OfferedComponent("mcu1", "2.0", 1, None, 0, 9, 0), OfferedComponent("mod", "V2", 0, "V1", 0, 9, 0))
    )


def test_plan_when_the_device_is_to_come_later_then_id_12():
    plan = SayPlan(1, (PlanItem("mod", MODULE, "", "V2", 0, 9, 0),), delay_s=60)
    assert hexed(said(plan), 1).endswith("0062003C")


def test_url_when_of_one_file_then_the_vector_of_section_14():
    url = SayUrl(1, 0, "mod", MODULE, "V2", 1)
    assert hexed(said(url, FILE), 6) == (
        "AAAA00658D00060113000B0017687474703A2F2F3132372E302E302E313A383038302F61001200AA001B0020643431643863643938"
        "6630306232303465393830303939386563663834323765002300036D6F64003300025632003A0000007B00086666666666666666"
    )


def test_url_when_the_device_wants_sha256_then_told():
    told = said(SayUrl(1, 0, "mod", MODULE, "V2", 1), FILE, wants_sha256=True)
    assert isinstance(told, Firmware)
    assert told.sha256 == FILE.sha256


def test_url_when_of_several_files_then_a_list_and_nothing_of_one():
    told = said(SayUrl(1, 0, "mod", MODULE, "V2", 1), FILE, FILE, wants_sha256=True)
    listed = tuple(FirmwareFile(at, PLACE + "a", 170, FILE.md5) for at in (0, 1))
    assert told == Firmware("mod", "V2", 0, files=listed)


def test_url_when_its_files_are_gone_then_nothing_is_said():
    assert said(SayUrl(1, 0, "mod", MODULE, "V2", 1)) is None


def test_versions_when_asked_for_then_0x0041_with_2_and_3():
    assert said(AskVersions()) == ReadInformation((2, 3))


def test_look_again_when_it_comes_so_far_then_nothing_is_said():
    assert said(LookAgain(1)) is None
