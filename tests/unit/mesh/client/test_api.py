"""The client's one connection: kept between calls, tried again once, and never left half used."""

import http.client
from pathlib import Path
from typing import Any

import pytest

from mesh.api.transport.credentials import prepare, publish
from mesh.client.api import Client
from mesh.client.errors import ApiError

ANSWER = b'{"pid": 1}'


class Response:
    def __init__(self, text: bytes | Exception, status: int) -> None:
        self.status = status
        self._text = text

    def read(self) -> bytes:
        if isinstance(self._text, Exception):
            raise self._text
        return self._text


class Connections:
    """Stands for http.client.HTTPSConnection: the answers come one after another, an error is raised in its place."""

    def __init__(self, *answers: bytes | Exception | tuple[bytes | Exception, int]) -> None:
        self.answers = list(answers)
        self.opened = self.closed = 0

    def __call__(self, *_: Any, **__: Any) -> "Connections":
        self.opened += 1
        return self

    sock = None

    def request(self, *_: Any) -> None:
        pass

    def getresponse(self) -> Response:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Response(*answer) if isinstance(answer, tuple) else Response(answer, 200)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def home(tmp_path: Path) -> Path:
    publish(tmp_path, prepare(tmp_path, "127.0.0.1"), "https://127.0.0.1:1", "mesh")
    return tmp_path


def client_of(home: Path, monkeypatch: pytest.MonkeyPatch, *answers: Any) -> tuple[Client, Connections]:
    connections = Connections(*answers)
    monkeypatch.setattr(http.client, "HTTPSConnection", connections)
    return Client(home), connections


def test_a_connection_is_used_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client, connections = client_of(home, monkeypatch, ANSWER, ANSWER)
    assert [client.status(), client.status()] == [{"pid": 1}, {"pid": 1}]
    assert (connections.opened, connections.closed) == (1, 0)
    client.close()
    assert connections.closed == 1


def test_a_connection_that_the_server_has_closed_meanwhile_is_opened_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, connections = client_of(home, monkeypatch, ANSWER, http.client.RemoteDisconnected("closed"), ANSWER)
    assert [client.status(), client.status()] == [{"pid": 1}, {"pid": 1}]
    assert (connections.opened, connections.closed) == (2, 1)


@pytest.mark.parametrize("lost", [http.client.RemoteDisconnected("closed"), BrokenPipeError(), ConnectionResetError()])
def test_a_server_that_hangs_up_twice_does_not_answer(
    home: Path, monkeypatch: pytest.MonkeyPatch, lost: Exception
) -> None:
    client, connections = client_of(home, monkeypatch, ANSWER, lost, lost)
    client.status()
    with pytest.raises(ApiError, match=r"does not answer at 127\.0\.0\.1:1"):
        client.status()
    assert connections.closed == 2


def test_half_an_answer_ends_the_connection(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client, connections = client_of(home, monkeypatch, (http.client.IncompleteRead(b"{"), 200), ANSWER)
    with pytest.raises(ApiError, match="does not answer"):
        client.status()
    assert connections.closed == 1
    assert client.status() == {"pid": 1}


@pytest.mark.parametrize(
    ("text", "message", "causes"),
    [
        (b'{"message": "no", "details": {"causes": [{"message": "a"}, {"message": "b"}]}}', "no", ("a", "b")),
        (b'{"message": "no"}', "no", ()),
        (b"<html>", "HTTP 422: <html>", ()),
        (b"[]", "HTTP 422: []", ()),
    ],
)
def test_a_refusal_is_told_whatever_it_looks_like(
    home: Path, monkeypatch: pytest.MonkeyPatch, text: bytes, message: str, causes: tuple[str, ...]
) -> None:
    client, _ = client_of(home, monkeypatch, (text, 422))
    with pytest.raises(ApiError) as caught:
        client.status()
    assert (caught.value.status, caught.value.message, caught.value.causes) == (422, message, causes)


def test_a_home_without_a_mesh_is_named(tmp_path: Path) -> None:
    with pytest.raises(ApiError, match=str(tmp_path)):
        Client(tmp_path)
