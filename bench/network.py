"""How fast bytes pass between a script, the supervisor's pump and a server of this computer; what a socket costs.

Each row is the best of three. ``pump`` is ``Network.connect`` (as downloads use it), ``script`` a whole module with
``usocket``, ``tls`` the same over ``ussl``, ``request`` HTTP.
"""

import asyncio
import ssl
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from moduline.vmodule.world.network import Network, NetworkPlan
from transcripts.online import Server, online, silent

SIZE = 64_000_000
TRIES = 3


async def source(reader, writer):
    """Send what is asked for: one line with a number of bytes."""
    wanted = int(await reader.readline())
    block = bytes(1 << 18)
    for at in range(0, wanted, len(block)):
        writer.write(block[: min(len(block), wanted - at)])
        await writer.drain()


async def pump():
    best = 0.0
    async with Server(source) as server:
        for _ in range(TRIES):
            reader, writer = await Network().connect("127.0.0.1", server.port)
            began = time.perf_counter()
            writer.write(b"%d\n" % SIZE)
            got = 0
            while got < SIZE:
                got += len(await reader.read(1 << 18))
            best = max(best, SIZE / (time.perf_counter() - began))
            writer.close()
            await writer.wait_closed()
    print(f"pump to a service      {best / 1e6:8.1f} MB/s")


READ = """\
import usocket, utime
def run(size, piece):
    s = usocket.socket()
    s.connect(usocket.getaddrinfo('peer.example.com', 80)[0][-1])
    %s
    s.write('%%d\\n' %% size)
    buffer = bytearray(piece)
    began = utime.ticks_us()
    got = 0
    while got < size:
        got += s.readinto(buffer, min(piece, size - got))
    took = utime.ticks_diff(utime.ticks_us(), began)
    s.close()
    return size / took
print(max(run(%d, %d) for _ in range(3)))
"""


def script(label, wrap, size, piece, context=None):
    async def story(client, _board, network):
        async with Server(source, ssl=context) as server:
            network.plan.aliases["peer.example.com"] = f"127.0.0.1:{server.port}"
            rate = float(await client.raw(READ % (wrap, size, piece), 120))
            print(f"{label} {rate:8.1f} MB/s")

    online(story, NetworkPlan(aliases={}), 300)


def sockets():
    async def story(client, _board, _network):
        async with Server(silent) as server:
            rate = await client.raw(
                "import usocket, utime\nbegan = utime.ticks_us()\nfor _ in range(200):\n"
                f"    s = usocket.socket()\n    s.connect(('127.0.0.1', {server.port}))\n    s.close()\n"
                "print(utime.ticks_diff(utime.ticks_us(), began) / 200)\n",
                60,
            )
            print(f"open and close         {float(rate):8.0f} us")

    online(story)


if __name__ == "__main__":
    asyncio.run(pump())
    script("script, 16 KiB reads  ", "", SIZE, 16384)
    script("script, 1 KiB reads   ", "", SIZE // 8, 1024)
    try:
        import trustme
    except ImportError:
        print("tls: needs trustme")
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA(key_type=trustme.KeyType.ECDSA).issue_cert("peer.example.com").configure_cert(context)
        script("tls, 16 KiB reads     ", "import ussl; s = ussl.wrap_socket(s)", SIZE // 4, 16384, context)
    sockets()
