"""The operator API's client against servers that break off: whole files or none, streams that go on where they were."""

from __future__ import annotations

import json
import socket
import threading

import pytest

from moduline.cli.main import run
from moduline.cli.ota_client import OtaClient
from moduline.errors import ServerUnreachable, TokenRefused

HEAD = "HTTP/1.1 200 OK\r\nConnection: close\r\n"
STREAM = f"{HEAD}Content-Type: text/event-stream\r\n\r\nretry: 2000\n\n"
WAIT_S = 60.0


class Breaking:
    """Answers each connection with the next text and closes it; keeps what was asked."""

    def __init__(self, *answers):
        self.asked = []
        self._answers = list(answers)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        for answer in self._answers:
            connection, _ = self._socket.accept()
            with connection:
                asked = b""
                while b"\r\n\r\n" not in asked:
                    asked += connection.recv(65536)
                self.asked.append(asked.decode())
                connection.sendall(answer.encode())

    def close(self):
        self._socket.close()
        self._thread.join(WAIT_S)


@pytest.fixture
def breaking():
    made = []

    def with_answers(*answers):
        made.append(Breaking(*answers))
        return made[-1]

    yield with_answers
    for one in made:
        one.close()


@pytest.fixture
def token(tmp_path):
    file = tmp_path / "token"
    file.write_text("mdl_x")
    return file


def event(number, kind="plan.ended"):
    data = json.dumps({"id": number, "at": 0.0, "event": kind, "data": {}})
    return f"id: {number}\nevent: {kind}\ndata: {data}\n\n"


@pytest.mark.parametrize(
    "answer",
    [
        f"{HEAD}Content-Length: 100\r\n\r\nhalf",
        f"{HEAD}Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        f"{HEAD}Transfer-Encoding: chunked\r\n\r\n40\r\nhalf",
        f"{HEAD}Transfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        "nonsense\r\n\r\n",
        "",
    ],
)
def test_file_when_the_answer_breaks_off_then_none_and_exit_code_14(breaking, token, tmp_path, capsys, answer):
    server, file = breaking(answer), tmp_path / "out" / "all.csv"
    words = ["ota", "export", "devices", "-o", str(file), "--server", server.url, "--token-file", str(token), "--json"]
    assert run(words) == 14
    assert json.loads(capsys.readouterr().out)["code"] == "ML-E1404"
    assert [one for one in tmp_path.rglob("*") if "csv" in one.name] == []


def test_file_when_there_is_one_already_then_it_stays_until_the_new_one_is_whole(breaking, token, tmp_path):
    file = tmp_path / "all.csv"
    file.write_text("old")
    server = breaking(f"{HEAD}Content-Length: 100\r\n\r\nhalf", f"{HEAD}Content-Length: 5\r\n\r\nwhole")
    client = OtaClient(server.url, token)
    with pytest.raises(ServerUnreachable):
        client.fetch("/v1/devices/export", file)
    assert file.read_text() == "old"
    assert client.fetch("/v1/devices/export", file) == 5
    assert file.read_text() == "whole"


def test_stream_when_the_connection_breaks_then_goes_on_behind_the_last_event(breaking, token):
    server = breaking(STREAM + event(7) + "id: 8\nevent: plan", STREAM + ": nothing new\n\n" + event(8) + event(9))
    client = OtaClient(server.url, token)
    found = client.follow("/v1/events/stream", None, kind=["plan.ended"])
    assert [next(found)["id"] for _ in range(3)] == [7, 8, 9]
    first, second = (one.lower() for one in server.asked)
    assert "last-event-id" not in first
    assert "last-event-id: 7" in second
    assert all("kind=plan.ended" in one for one in server.asked)


def test_stream_when_its_token_is_refused_then_the_error(breaking, token):
    server = breaking(STREAM + event(1) + 'event: token.refused\ndata: {"code": "ML-E1510"}\n\n')
    found = OtaClient(server.url, token).follow("/v1/events/stream", 0)
    assert next(found)["id"] == 1
    with pytest.raises(TokenRefused):
        next(found)


def test_stream_when_there_was_never_an_answer_then_the_error(token):
    with pytest.raises(ServerUnreachable):
        next(OtaClient("http://127.0.0.1:9", token).follow("/v1/events/stream", None))
