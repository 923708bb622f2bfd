"""Where the module's ports lead: to a pseudo-terminal, to TCP, or to what stands on the bench.

UARTs of the scenario's bench come first; those the owner names lead to ports of the kind the others have.

Source: device-api 10.5.
"""

from __future__ import annotations

from pathlib import Path

from moduline.port.pty import PtyEnd
from moduline.port.tcp import open_tcp_end
from moduline.vmodule.module_options import ModuleOptions
from moduline.vmodule.outlet import HostEnd


def uart_numbers(options: ModuleOptions) -> tuple[int, ...]:
    """Numbers of the UARTs that lead anywhere, in order."""
    return tuple(sorted({*options.uarts, *(peer.number for peer in options.world.bench_plan.uarts)}))


async def make_end(role: str, link: Path, options: ModuleOptions) -> HostEnd:
    """The module's end of a new port.

    Args:
        role: of the port, such as ``at`` or ``uart2``.
        link: path of a pseudo-terminal's link.
        options: of the module.
    """
    kind, tcp_port = options.port_kind, 0
    if role.startswith("uart"):
        number = int(role.removeprefix("uart"))
        scripted = options.world.bench.open_uart(number)
        if scripted is not None:
            return scripted
        for peer in options.world.bench_plan.uarts:
            if peer.number == number and peer.kind == "tcp":
                kind, tcp_port = "tcp", peer.tcp_port
    return await open_tcp_end(tcp_port) if kind == "tcp" else PtyEnd(link)
