"""The WebSocket's handshake: what is chosen, and what is refused before the protocol is switched."""

import pytest

from mesh.api.streaming.remote_command import WEBSOCKET_PROTOCOLS
from mesh.api.streaming.websocket import choose_protocol
from mesh.api.transport.status_errors import Problem
from tests.support.api import Api

EXEC = "/api/v1/namespaces/default/pods/shell/exec"
SOCKET = {"Connection": "Upgrade", "Upgrade": "websocket"}


def test_the_newest_protocol_that_both_speak_is_chosen() -> None:
    offered = {"sec-websocket-protocol": "channel.k8s.io, v4.channel.k8s.io, v5.channel.k8s.io"}
    assert choose_protocol(offered, WEBSOCKET_PROTOCOLS) == "v5.channel.k8s.io"
    assert choose_protocol({}, WEBSOCKET_PROTOCOLS) == ""
    with pytest.raises(Problem, match="none of the subprotocols v9"):
        choose_protocol({"sec-websocket-protocol": "v9.channel.k8s.io"}, WEBSOCKET_PROTOCOLS)


async def test_a_request_that_does_not_upgrade_is_answered_with_a_status(api: Api) -> None:
    answer = await api.ask("GET", f"{EXEC}?command=true&stdout=true")
    assert (answer.code, answer.body["kind"]) == (400, "Status")
    assert "Upgrade: websocket" in answer.body["message"]


async def test_a_handshake_without_a_key_is_answered_with_a_status(api: Api) -> None:
    answer = await api.ask("GET", f"{EXEC}?command=true&stdout=true", headers=SOCKET)
    assert answer.code == 400
    assert "Sec-WebSocket-Key" in answer.body["message"]


@pytest.mark.parametrize(
    ("query", "message"),
    [("command=true", "at least 1 of stdin, stdout, stderr"), ("stdout=true", "command: missing")],
)
async def test_what_lacks_in_the_query_is_named(api: Api, query: str, message: str) -> None:
    answer = await api.ask("GET", f"{EXEC}?{query}", headers=SOCKET)
    assert answer.code == 400
    assert message in answer.body["message"]


async def test_a_pod_that_is_not_there_is_404(api: Api) -> None:
    path = EXEC.replace("shell", "nobody")
    assert (await api.ask("GET", f"{path}?command=true&stdout=true", headers=SOCKET)).code == 404


async def test_nobody_runs_commands_without_the_token(api: Api) -> None:
    headers = {**SOCKET, "Authorization": ""}
    assert (await api.ask("GET", f"{EXEC}?command=true&stdout=true", headers=headers)).code == 401
