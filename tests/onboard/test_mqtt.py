"""``umqtt`` against a broker that is not ours (amqtt), over a network that can fail.

Source: device-api 12.3.
"""

import contextlib
import logging
import socket

import pytest

from moduline.vmodule.world.network import NetworkPlan
from transcripts.online import Server, eventually, online

broker_room = pytest.importorskip("amqtt.broker", reason="the broker of these tests is amqtt")
client_room = pytest.importorskip("amqtt.client", reason="the clients of these tests are amqtt's")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@contextlib.asynccontextmanager
async def broker(passwords=None):
    """A broker on a free port of this computer; gives the port."""
    logging.getLogger("amqtt").setLevel(logging.CRITICAL)
    logging.getLogger("transitions").setLevel(logging.CRITICAL)
    plugins = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
    if passwords is not None:
        plugins = {"amqtt.plugins.authentication.FileAuthPlugin": {"password_file": str(passwords)}}
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    config = {"listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}}, "plugins": plugins}
    running = broker_room.Broker(config)
    await running.start()
    try:
        yield port
    finally:
        await running.shutdown()


@contextlib.asynccontextmanager
async def bench_client(port, *topics):
    """A client of the same maker as the broker; gives it, subscribed."""
    client = client_room.MQTTClient(config={"auto_reconnect": False})
    await client.connect(f"mqtt://127.0.0.1:{port}/")
    if topics:
        await client.subscribe([(topic, 1) for topic in topics])
    try:
        yield client
    finally:
        await client.disconnect()


async def delivered(client):
    message = await client.deliver_message(timeout_duration=5)
    return message.topic, bytes(message.data)


def with_broker(story, limit_s=60, **options):
    """Run ``story(client, board, network, port)``; the broker is mqtt.example.com:1883 for the module."""

    async def whole(client, board, network):
        async with broker(**options) as port:
            network.plan.aliases["mqtt.example.com:1883"] = f"127.0.0.1:{port}"
            await client.raw("from umqtt import MQTTClient\nimport _thread, utime\ngot = []\n")
            await story(client, board, network, port)

    online(whole, NetworkPlan(aliases={}), limit_s)


NEW = "c = MQTTClient('meter-1', 'mqtt.example.com'%s); c.set_callback(lambda t, m: got.append((t, m)))"


def test_messages_of_both_directions_pass_with_quality_0():
    async def story(client, board, network, port):
        async with bench_client(port, "up/#") as bench:
            await client.ask(NEW % "")
            assert await client.ask("c.connect()") == "0\n"
            assert await client.ask("c.get_mqttsta()") == "0\n"
            await client.ask("c.subscribe('down/1')")
            await client.ask("c.publish('up/1', 'hello'); c.publish(b'up/2', bytes(300))")
            assert await delivered(bench) == ("up/1", b"hello")
            assert await delivered(bench) == ("up/2", bytes(300))
            await bench.publish("down/1", b"\x00\xff" * 100)
            assert await client.ask("c.wait_msg()") == "48\n"
            assert await client.ask("got == [(b'down/1', b'\\x00\\xff' * 100)]") == "True\n"
            assert await client.ask("c.check_msg()") == ""
            await client.ask("c.disconnect()")
            assert await client.ask("c.get_mqttsta()") == "-1\n"

    with_broker(story)


def test_quality_1_is_acknowledged_both_ways_while_a_thread_waits_for_messages():
    async def story(client, board, network, port):
        async with bench_client(port, "up/#") as bench:
            await client.raw(
                NEW % "" + "\nc.connect()\nc.subscribe('down/#', 1)\n"
                "def listen():\n    while True:\n        c.wait_msg()\n"
                "_thread.start_new_thread(listen, ())\n"
            )
            assert await client.ask("t = utime.ticks_ms(); c.publish('up/1', 'sure', qos=1)") == ""
            assert int(await client.ask("utime.ticks_diff(utime.ticks_ms(), t)")) < 3000
            assert await delivered(bench) == ("up/1", b"sure")
            await bench.publish("down/7", b"one", qos=1)
            await bench.publish("down/8", b"two", qos=1)
            await client.raw("while len(got) < 2:\n    utime.sleep_ms(10)\n")
            assert await client.ask("sorted(got)") == "[(b'down/7', b'one'), (b'down/8', b'two')]\n"
            # the prompt and a subscription go on while the thread waits
            await client.ask("c.subscribe('more')")
            await bench.publish("more", b"three")
            await client.raw("while len(got) < 3:\n    utime.sleep_ms(10)\n")

    with_broker(story)


def test_quality_1_without_a_reader_waits_in_vain_and_says_so():
    async def story(client, board, network, port):
        await client.ask(NEW % "")
        await client.ask("c.connect()")
        said = await client.ask("c.publish('up/1', 'x', qos=1)")
        assert said == "WARN:MQTT:publish QOS1 message was not received correctly\n"
        assert await client.ask("c.check_msg()") == ""
        assert await client.ask("c.publish('a', 'b', qos=2)") != ""

    with_broker(story)


def test_last_will_is_sent_when_the_power_goes_and_not_after_disconnect():
    async def story(client, board, network, port):
        async with bench_client(port, "will/#") as bench:
            for name in ("a", "b"):
                await client.raw(
                    f"{name} = MQTTClient('m-{name}', 'mqtt.example.com')\n"
                    f"{name}.set_last_will('will/{name}', 'gone', False, 1)\n{name}.connect()\n"
                )
            await client.ask("a.disconnect()")
            await board.power_off()
            assert await delivered(bench) == ("will/b", b"gone")

    with_broker(story)


def test_user_and_password_are_shown_and_wrong_ones_refused(tmp_path):
    argon2 = pytest.importorskip("pwdlib.hashers.argon2", reason="amqtt's password file needs argon2")
    file = tmp_path / "passwords"
    file.write_text("meter:" + argon2.Argon2Hasher().hash("s3cret") + "\n")

    async def story(client, board, network, port):
        await client.ask(NEW % ", user='meter', password='s3cret'")
        assert await client.ask("c.connect()") == "0\n"
        await client.ask("c.disconnect()")
        await client.ask(NEW % ", user='meter', password='wrong'")
        said = await client.ask("c.connect()")
        assert said.rstrip().rpartition("\n")[2].startswith("ValueError: MQTT Connect"), said

    with_broker(story, passwords=file)


def test_parameters_and_failures_raise_what_the_device_raises():
    async def story(client, board, network):
        await client.ask("from umqtt import MQTTClient")
        said = await client.ask("MQTTClient('a', 'b', keepalive=4)")
        assert said.endswith("ValueError: inport parameter error : keepalive >= 5S\n")
        assert await client.ask("MQTTClient('a', 'b').port, MQTTClient('a', 'b', ssl=True).port") == "(1883, 8883)\n"
        said = await client.ask("MQTTClient('a', '127.0.0.1', 1).connect()")
        assert said.rstrip().rpartition("\n")[2].startswith("ValueError: MQTT Connect error="), said
        said = await client.ask("MQTTClient('a', 'nobody.example.com').connect()")
        assert said.endswith("ValueError: MQTT Connect error='DNS Parsing NULL' FAIL\n")
        said = await client.ask("MQTTClient('a', 'b').subscribe('x')")
        assert said.endswith("AssertionError: Subscribe callback is not set\n")

    online(story)


def test_version_3_and_unusual_connections_are_spelt_as_the_specification_has_them():
    """CONNECT byte by byte: MQTT 3.1 section 3.1, MQTT 3.1.1 section 3.1."""
    seen = []

    async def talk(reader, writer):
        seen.append(await reader.readexactly(2))
        seen.append(await reader.readexactly(seen[-1][1]))
        writer.write(b"\x20\x02\x00\x00")

    async def story(client, board, network):
        await client.ask("from umqtt import MQTTClient")
        async with Server(talk) as server:
            await spell(client, server.port)

    async def spell(client, port):
        await client.ask(
            f"MQTTClient('id', '127.0.0.1', {port}, password='pw', keepalive=60, version=3).connect(False)"
        )
        assert seen[0] == bytes([0x10, len(seen[1])])
        assert seen[1] == b"\x00\x06MQIsdp\x03\x40\x00\x3c\x00\x02id\x00\x02pw"
        await client.raw(
            f"c = MQTTClient('id', '127.0.0.1', {port}, user='u', password='p')\n"
            "c.set_last_will(b'w', b'm', True, 1)\nc.connect()\n"
        )
        assert seen[3] == b"\x00\x04MQTT\x04\xee\x00\x00\x00\x02id\x00\x01w\x00\x01m\x00\x01u\x00\x01p"

    online(story)


def test_reconnection_when_the_broker_drops_the_client_subscribes_again():
    async def story(client, board, network, port):
        await client.raw(
            NEW % "" + "\nwhat = []\nc.error_register_cb(what.append)\nc.connect()\nc.subscribe('down/#')\n"
            "def listen():\n    while True:\n        c.wait_msg()\n"
            "_thread.start_new_thread(listen, ())\n"
        )
        before = network.traffic.connections
        network.data_lost()  # and back at once
        await eventually(lambda: network.traffic.connections == before + 1)
        await client.raw("while 'reconnect_success' not in what:\n    utime.sleep_ms(20)\n")
        assert await client.ask("what, c.get_mqttsta()") == "(['reconnect_start', 'reconnect_success'], 0)\n"
        async with bench_client(port) as bench:
            await bench.publish("down/again", b"here")
            await client.raw("while not got:\n    utime.sleep_ms(10)\n")
        assert await client.ask("got") == "[(b'down/again', b'here')]\n"

    with_broker(story)


def test_error_callback_when_the_client_does_not_reconnect_hears_of_a_lost_ping():
    """A server that accepts and then never answers: the second ping finds the first one unanswered."""

    async def talk(reader, writer):
        await reader.read(100)
        writer.write(b"\x20\x02\x00\x00")

    async def story(client, board, network):
        async with Server(talk) as server:
            await client.raw(
                "from umqtt import MQTTClient\nimport utime\nwhat = []\n"
                f"c = MQTTClient('id', '127.0.0.1', {server.port}, keepalive=5, reconn=False)\n"
                "c.error_register_cb(what.append)\nc.connect()\n"
                "while not what:\n    utime.sleep_ms(50)\n",
                20,
            )
            assert await client.ask("what") == "['Send ping timeout.']\n"

    online(story)


def test_keep_alive_pings_hold_a_quiet_connection():
    async def story(client, board, network, port):
        await client.raw(
            NEW % ", keepalive=5" + "\nc.connect()\n"
            "def listen():\n    while True:\n        c.wait_msg()\n"
            "_thread.start_new_thread(listen, ())\n"
        )
        await client.raw("utime.sleep(9)")
        assert await client.ask("c.get_mqttsta()") == "0\n"
        assert network.traffic.connections == 1

    with_broker(story)


def test_wait_msg_is_interrupted_by_ctrl_c():
    async def story(client, board, network, port):
        await client.ask(NEW % "")
        await client.ask("c.connect(); c.subscribe('x')")
        client.write("c.wait_msg()\r")
        await client.until("c.wait_msg()\r\n")
        client.write(b"\x03")
        assert b"KeyboardInterrupt" in await client.until(b">>> ")
        assert await client.ask("c.get_mqttsta()") == "0\n"

    with_broker(story)
