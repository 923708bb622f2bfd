"""Messages to one device: packet ids, the window of unacknowledged ones, retries.

QoS 1: each is sent, and again with the duplicate flag until PUBACK comes or the tries are used up. At most
``in_flight`` are under way; the others wait in order. With QoS 0 (the device subscribed so) a message is done when
sent.
Nothing outlives the connection: sessions are clean, the rows say what is to be sent again.

Source: MQTT 3.1.1, 4.3, 4.4; ota-semantics 12, trap 13.
"""

from __future__ import annotations

from dataclasses import dataclass

from moduline.cloud.device_link.limits import SessionLimits
from moduline.wire.mqtt.encode import encode
from moduline.wire.mqtt.packets import Publish
from moduline.wire.quecthing.messages import Message

_LAST_PACKET_ID = 0xFFFF


@dataclass(slots=True)
class _Letter:
    """One message under way."""

    message: Message
    topic: str
    payload: bytes
    sends: int = 0
    due: float = 0.0


class Outbox:
    """What is under way to a device, and what waits.

    Args:
        limits: window, queue and retries.
        next_id: where the packet ids go on; an empty box may be thrown away and another be begun with its `next_id`.
    """

    __slots__ = ("_limits", "_under_way", "_waiting", "next_id")

    def __init__(self, limits: SessionLimits, next_id: int = 1) -> None:
        self._limits = limits
        self.next_id = next_id
        self._under_way: dict[int, _Letter] = {}
        self._waiting: list[_Letter] = []

    @property
    def has_room(self) -> bool:
        """Whether one more message is taken."""
        return len(self._waiting) < self._limits.waiting

    @property
    def is_empty(self) -> bool:
        """Whether nothing is under way and nothing waits."""
        return not self._under_way and not self._waiting

    @property
    def due(self) -> float | None:
        """When `retry` wants to be called; None if nothing is under way."""
        return min((letter.due for letter in self._under_way.values()), default=None)

    def post(self, message: Message, topic: str, payload: bytes, qos: int, now: float) -> list[bytes]:
        """Takes a message; gives what is to be written now.

        Args:
            message: as a value, to be given back if it is never acknowledged.
            topic: where to.
            payload: the frame.
            qos: 0 or 1.
            now: in the seconds of the session.
        """
        if not qos:
            return [encode(Publish(topic, payload))]
        self._waiting.append(_Letter(message, topic, payload))
        return self._sent(now)

    def acknowledged(self, packet_id: int, now: float) -> list[bytes]:
        """A PUBACK has come; one that belongs to nothing is the second of a message sent twice."""
        self._under_way.pop(packet_id, None)
        return self._sent(now)

    def retry(self, now: float) -> tuple[list[bytes], list[Message]]:
        """What is to be written again, or now for the first time, and which messages are given up."""
        again = []
        lost = []
        for packet_id, letter in list(self._under_way.items()):
            if letter.due > now:
                continue
            if letter.sends < self._limits.sends:
                again.append(self._written(packet_id, letter, now))
            else:
                lost.append(self._under_way.pop(packet_id).message)
        return again + self._sent(now), lost

    def _sent(self, now: float) -> list[bytes]:
        """Opens the window for those that wait."""
        out = []
        while self._waiting and len(self._under_way) < self._limits.in_flight:
            letter = self._waiting.pop(0)
            packet_id = self._free_id()
            self._under_way[packet_id] = letter
            out.append(self._written(packet_id, letter, now))
        return out

    def _written(self, packet_id: int, letter: _Letter, now: float) -> bytes:
        is_duplicate = letter.sends > 0
        letter.sends += 1
        letter.due = now + self._limits.retry_s
        return encode(Publish(letter.topic, letter.payload, 1, packet_id, is_duplicate))

    def _free_id(self) -> int:
        while self.next_id in self._under_way:
            self.next_id = self.next_id % _LAST_PACKET_ID + 1
        packet_id = self.next_id
        self.next_id = packet_id % _LAST_PACKET_ID + 1
        return packet_id
