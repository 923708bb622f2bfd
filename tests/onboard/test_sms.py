"""``sms`` on the real interpreter.  Source: DOC23 and WIKI ``sms`` (samples)."""

from moduline.vmodule.world.radio_plan import SimPlan
from transcripts.registered import ask_rows, with_radio, world_of

NOTICE = (
    "0891683110305005F00405A10110F000081270319043442354516C76CA77ED4FE1FF1A00320030003200315E7496328303975E6CD596C68D"
    "445BA34F2067086D3B52A863D09192FF1A4E3B52A88FDC79BB975E6CD596C68D44FF0C5171540C5B8862A47F8E597D751F6D3B3002"
)


def test_message_when_sent_to_oneself_then_read_as_the_documents_show():
    async def story(client, radio, board):
        for line, printed in (
            ("import sms", ""),
            ("sms.getMsgNums()", "0\n"),
            ("sms.sendPduMsg('+8618226172342', '123456789aa', 'GSM')", "0\n"),
            ("sms.searchTextMsg(0)", "('+8618226172342', '123456789aa', 22)\n"),
            ("sms.decodePdu(sms.searchPduMsg(0), 40)[:2]", "('+8618226172342', '123456789aa')\n"),
            ("sms.getMsgNums()", "1\n"),
            ("sms.getSaveLoc()", "(['SM', 1, 50], ['SM', 1, 50], ['SM', 1, 50])\n"),
            ("sms.setSaveLoc('SM', 'ME', 'MT')", "0\n"),
            ("sms.getSaveLoc()", "(['SM', 1, 50], ['ME', 0, 180], ['MT', 1, 50])\n"),
            ("sms.deleteMsg(2), sms.deleteMsg(0), sms.deleteMsg(1, 4), sms.deleteMsg(0, 7)", "(-1, 0, 0, -1)\n"),
            ("sms.searchTextMsg(0), sms.searchPduMsg(0), sms.getMsgNums()", "(-1, -1, 0)\n"),
        ):
            assert await client.ask(line) == printed, line

    with_radio(story, world=world_of(sim=SimPlan(number="+8618226172342")))


def test_message_when_it_comes_then_the_callback_gets_card_index_and_store():
    async def story(client, radio, board):
        await client.raw("import sms\ndef cb(args):\n    print(args[0], args[1], args[2])\nsms.setCallback(cb)\n")
        radio.messages.receive("+8610010", "余额不足")
        await client.until(b"0 0 SM\r\n")
        assert await client.ask("sms.searchTextMsg(0)[1] == '\\u4f59\\u989d\\u4e0d\\u8db3'") == "True\n"
        assert await client.ask("sms.setCallback(None)") == "0\n"

    with_radio(story)


def test_message_when_chinese_then_sent_and_kept_for_the_owner():
    async def story(client, radio, board):
        await client.raw("import sms\nprint(sms.sendTextMsg('18158626517', '这是一条中文测试短信！', 'UCS2'))\n")
        assert [(one.number, one.text) for one in radio.messages.sent] == [("18158626517", "这是一条中文测试短信！")]

    with_radio(story)


def test_pdu_when_decoded_then_as_the_documents_show():
    ask_rows(
        ("import sms", ""),
        (
            f"sms.decodePdu('{NOTICE}', 20)",
            lambda said: eval(said)
            == ("10010", "公益短信：2021年防范非法集资宣传月活动提醒：主动远离非法集资，共同守护美好生活。", "2021-07-13 09:34:44", 118),
        ),
        ("sms.getPduLength('0891683108501505F0040D91688122162743F200000211529003332318C16030180C0683C16030180C0683E170381C0E87')", "40\n"),
        ("sms.decodePdu('zz', 1), sms.getPduLength(''), sms.decodePdu('0' * 5000, 1)", "(-1, -1, -1)\n"),
        wait="nothing",
    )  # fmt: skip


def test_message_when_it_cannot_be_sent_then_minus_one():
    ask_rows(
        ("import sms", ""),
        ("sms.sendTextMsg('18158626517', '', 'GSM'), sms.sendTextMsg('1' * 21, 'x', 'GSM')", "(-1, -1)\n"),
        (
            "sms.sendTextMsg('18158626517', 'x', 'ASCII'), sms.sendTextMsg('18158626517', 'x' * 161, 'GSM')",
            "(-1, -1)\n",
        ),
        ("sms.sendTextMsg('18158626517', 'x' * 5000, 'UCS2')", "-1\n"),
    )


def test_everything_when_there_is_no_card_then_minus_one():
    ask_rows(
        ("import sms", ""),
        ("sms.sendTextMsg('1', 'x', 'GSM'), sms.getSaveLoc(), sms.getMsgNums(), sms.searchTextMsg(0)", "(-1, -1, -1, -1)\n"),
        ("sms.getCenterAddr(), sms.setCenterAddr('+861'), sms.deleteMsg(0, 4), sms.setSaveLoc('SM', 'SM', 'SM')", "(-1, -1, -1, -1)\n"),
        wait="card",
        world=world_of(sim=SimPlan(state="absent")),
    )  # fmt: skip


def test_centre_when_set_then_told():
    ask_rows(
        ("import sms", ""),
        ("sms.getCenterAddr()", "'+8613800551500'\n"),
        ("sms.setCenterAddr('+8613800100500'), sms.getCenterAddr()", "(0, '+8613800100500')\n"),
        ("sms.setCenterAddr('centre'), sms.setCenterAddr(''), sms.setCenterAddr('1' * 30)", "(-1, -1, -1)\n"),
        world=world_of(sim=SimPlan(centre="+8613800551500")),
    )
