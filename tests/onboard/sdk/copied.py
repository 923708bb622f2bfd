"""The SDK as it is copied to a module without ``Qth``: its files in ``/usr/Qth``."""

from pathlib import Path

from transcripts.board import with_files

FOLDER = Path(__file__).resolve().parents[3] / "onboard" / "sdk" / "Qth"
FILES = tuple((f"Qth/{path.name}", path.read_bytes()) for path in sorted(FOLDER.glob("*.py")))


async def copy_to(board, *more):
    """Put it there, beside other files, and power on anew."""
    await board.client.raw(with_files([*FILES, *more]), 30)
    await board.power_cycle()
    await board.prompt()
