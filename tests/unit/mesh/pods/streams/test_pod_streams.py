"""Attaching to containers whose processes run on loopback addresses."""

import asyncio
from typing import Any

import pytest

from mesh.pods.streams.command_streams import NotRunning
from mesh.pods.streams.pod_streams import Attached
from mesh.resources.values.ref import Ref
from tests.support.waiting import DEADLINE
from tests.support.yard import Yard


def put_pod(yard: Yard, script: str, **container: Any) -> Ref:
    main = {"name": "main", "command": ["sh", "-c", script], **container}
    spec = {"restartPolicy": "Never", "containers": [main]}
    return yard.put({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec})


def uid_of(yard: Yard, ref: Ref) -> str:
    body = yard.get(ref)
    assert body is not None
    return str(body["metadata"]["uid"])


async def attach(yard: Yard, ref: Ref) -> Attached:
    await yard.until(lambda: yard.container(ref).get("state", {}).get("running"))
    return await yard.manager.streams.attach(ref, uid_of(yard, ref), "main", stdin=True, tty=False)


async def read_until(attached: Attached, text: bytes) -> bytes:
    """What comes out until `text` has."""
    output = b""
    async with asyncio.timeout(DEADLINE):
        async for piece in attached.stdout():
            output += piece
            if text in output:
                return output
    raise AssertionError(f"{text!r} is not in {output!r}")


async def rest(attached: Attached) -> bytes:
    async with asyncio.timeout(DEADLINE):
        return b"".join([piece async for piece in attached.stdout()])


async def test_what_is_typed_arrives_and_the_end_of_input_does_with_stdin_once(yard: Yard) -> None:
    ref = put_pod(yard, "echo ready; cat; echo over; exit 3", stdin=True, stdinOnce=True)
    attached = await attach(yard, ref)
    await attached.write(b"typed\n")
    await attached.close_stdin()
    assert await rest(attached) == b"ready\ntyped\nover\n"
    # What ended is the attachment: kubectl takes any other code for a failure to attach.
    assert await attached.wait() == 0
    await yard.until(lambda: yard.phase(ref) == "Failed")
    assert yard.container(ref)["state"]["terminated"]["exitCode"] == 3
    assert await yard.log(ref) == "ready\ntyped\nover\n"
    await attached.close()


async def test_input_that_is_not_once_outlives_its_client(yard: Yard) -> None:
    ref = put_pod(yard, "while read word; do echo got $word; done", stdin=True)
    first = await attach(yard, ref)
    await first.write(b"one\n")
    assert await read_until(first, b"\n") == b"got one\n"
    await first.close_stdin()
    await first.close()
    second = await attach(yard, ref)
    await second.write(b"two\n")
    assert await read_until(second, b"\n") == b"got two\n"
    await second.close()


async def test_a_terminal_has_a_size_is_shared_and_is_logged(yard: Yard) -> None:
    script = "test -t 0 && test -t 2 && echo $TERM; read go; stty size; read go; echo bye"
    ref = put_pod(yard, script, stdin=True, tty=True)
    first = await attach(yard, ref)
    assert await read_until(first, b"xterm") == b"xterm\r\n"
    second = await attach(yard, ref)
    second.resize(132, 43)
    await second.write(b"\r")
    assert b"43 132" in await read_until(first, b"132")
    assert b"43 132" in await read_until(second, b"132")
    await first.write(b"\r")
    assert b"bye" in await rest(first)
    assert b"bye" in await rest(second)
    await yard.until(lambda: yard.phase(ref) == "Succeeded")
    log = await yard.log(ref)
    assert "xterm" in log and "43 132" in log and "bye" in log
    await first.close()
    await second.close()


async def test_a_container_without_input_reads_the_end_at_once_and_can_be_watched(yard: Yard) -> None:
    ref = put_pod(yard, "cat; echo begun; until test -e go; do sleep 0.02; done; echo more")
    await yard.until_log(ref)
    attached = await attach(yard, ref)
    await attached.write(b"nobody reads this\n")
    (yard.home / "pods" / uid_of(yard, ref) / "go").touch()
    assert await rest(attached) == b"more\n"
    await attached.close()


async def test_what_does_not_run_cannot_be_attached_to(yard: Yard) -> None:
    ref = put_pod(yard, "exit 0")
    await yard.until(lambda: yard.phase(ref) == "Succeeded")
    with pytest.raises(NotRunning, match='container "main" of pod "p" is not running'):
        await yard.manager.streams.attach(ref, uid_of(yard, ref), "main", stdin=False, tty=False)
    with pytest.raises(NotRunning, match='container "other"'):
        await yard.manager.streams.attach(ref, uid_of(yard, ref), "other", stdin=False, tty=False)
