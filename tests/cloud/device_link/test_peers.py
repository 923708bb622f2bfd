"""Other people's MQTT clients as devices: paho, and mosquitto's command-line clients where they can be had.

Neither can send a password without a user name, so they send one; the gateway reads over it.
"""

import asyncio
import queue
import subprocess

import pytest
from paho.mqtt import client as paho

import debian_tool
from gateway_rig import DS, PK, PS, RAND, WAIT_S, site
from moduline.cloud.device_link.platform import Cause
from moduline.wire.quecthing import credentials, frame, messages
from moduline.wire.quecthing.credentials import DeviceName
from moduline.wire.quecthing.ota_messages import Offer, OfferedComponent, Report, Request

MOSQUITTO = ("mosquitto-clients", "libmosquitto1", "libcjson1", "libssl3")
NAME = DeviceName(PK, "860000000000001")
CLIENT = credentials.client_id(NAME)
OFFER = Offer((OfferedComponent("mod", "V2", 0),))
FIRST = credentials.first_password(NAME, PS, RAND).decode()
LATER = credentials.later_password(DS, PS, RAND).decode()


class Paho:
    """A paho client whose callbacks go into one queue."""

    def __init__(self, client_id=CLIENT, password=LATER, protocol=paho.MQTTv311):
        self.happened = queue.Queue()
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id, protocol=protocol)
        self.client.username_pw_set("device", password)
        self.client.on_connect = lambda c, u, flags, reason, p: self.happened.put(("connect", str(reason)))
        self.client.on_subscribe = lambda c, u, mid, codes, p: self.happened.put(("subscribe", [str(x) for x in codes]))
        self.client.on_publish = lambda c, u, mid, reason, p: self.happened.put(("published", mid))
        self.client.on_message = lambda c, u, message: self.happened.put((message.topic, message.payload))

    async def next(self):
        return await asyncio.to_thread(self.happened.get, timeout=WAIT_S)

    async def reach(self, port):
        await asyncio.to_thread(self.client.connect, "127.0.0.1", port, 60)
        self.client.loop_start()

    async def leave(self):
        self.client.disconnect()
        await asyncio.to_thread(self.client.loop_stop)


def payload(message, packet_id=1):
    return frame.encode(messages.encode(message, packet_id))


@pytest.mark.parametrize("form", [0, 1])
def test_paho_when_it_is_a_device_then_connected_told_heard_and_gone(form):
    async def run():
        async with site() as here:
            device = Paho(password=LATER if form else FIRST)
            await device.reach(here.port)
            assert await device.next() == ("connect", "Success")
            device.client.subscribe(f"q/1/d/{CLIENT}/+", 1)
            assert await device.next() == ("subscribe", ["Granted QoS 1"])
            if form == 0:
                topic, secret = await device.next()
                assert (topic, messages.decode(frame.decode(secret)).ds) == (f"q/1/d/{CLIENT}/sys", DS)
            await here.platform.until_online()
            assert here.gateway.send(1, OFFER)
            topic, offer = await device.next()
            assert (topic, messages.decode(frame.decode(offer))) == (f"q/1/d/{CLIENT}/ota", OFFER)
            for qos in (0, 1, 2):
                sent = device.client.publish(f"q/2/d/{CLIENT}/ota", payload(Report(qos + 1)), qos)
                assert await device.next() == ("published", sent.mid)
            await here.platform.until(lambda me: len(me.received) == 3)
            await device.leave()
            assert await here.platform.until_offline() is Cause.LEFT
            return here.platform.received

    assert asyncio.run(run()) == [Report(1), Report(2), Report(3)]


def test_paho_when_it_wants_foreign_topics_then_refused():
    async def run():
        async with site() as here:
            device = Paho()
            await device.reach(here.port)
            await device.next()
            device.client.subscribe([("#", 2), (f"q/1/d/{CLIENT}/+", 2), ("q/1/d/+/ota", 0)])
            answer = await device.next()
            await device.leave()
            return answer

    assert asyncio.run(run()) == ("subscribe", ["Unspecified error", "Granted QoS 1", "Unspecified error"])


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"password": credentials.later_password("wrong", PS, RAND).decode()}, "Not authorized"),
        ({"client_id": "qu_p000aa_1"}, "Not authorized"),
        ({"protocol": paho.MQTTv31}, "Unsupported protocol version"),
    ],
)
def test_paho_when_not_let_in_then_says_why(facts, reason):
    async def run():
        async with site() as here:
            device = Paho(**facts)
            await device.reach(here.port)
            answer = await device.next()
            await device.leave()
            return answer

    assert asyncio.run(run()) == ("connect", reason)


def test_mosquitto_when_it_is_a_device_then_published_and_heard():
    (pub, environment), (sub, _) = (debian_tool.found(name, MOSQUITTO) for name in ("mosquitto_pub", "mosquitto_sub"))

    async def run():
        async with site() as here:
            login = [
                "-h",
                "127.0.0.1",
                "-p",
                str(here.port),
                "-i",
                CLIENT,
                "-u",
                "device",
                "-P",
                LATER,
                "-V",
                "mqttv311",
            ]
            for qos in "012":
                said = await asyncio.to_thread(
                    subprocess.run,
                    [*pub, *login, "-q", qos, "-t", f"q/2/d/{CLIENT}/ota", "-s"],
                    input=payload(Request(f"V{qos}")),
                    env=environment,
                    capture_output=True,
                    timeout=WAIT_S,
                )
                assert said.returncode == 0, said.stderr
            await here.platform.until(lambda me: len(me.received) == 3)
            hearing = asyncio.create_task(
                asyncio.to_thread(
                    subprocess.run,
                    [*sub, *login, "-q", "1", "-t", f"q/1/d/{CLIENT}/+", "-C", "1", "-F", "%t %x"],
                    env=environment,
                    capture_output=True,
                    timeout=WAIT_S,
                )
            )
            await here.platform.until_online()
            assert here.gateway.send(1, OFFER)
            heard = await hearing
            return here.platform.received, heard.stdout.decode().strip()

    received, heard = asyncio.run(run())
    assert received == [Request("V0"), Request("V1"), Request("V2")]
    assert heard == f"q/1/d/{CLIENT}/ota {payload(OFFER).hex()}"
