"""What docs/security.md says of a running mesh: where it listens, and who can read what it keeps.

What pods can do is tried in tests/with_namespaces/mesh.
"""

import ipaddress
import json
import os
import socket
import ssl
import stat
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.mesh import Mesh

LISTENS = "0A"


def listeners(pids: set[int]) -> Iterator[str]:
    """The addresses at which these processes listen (proc(5), /proc/net/tcp and tcp6)."""
    inodes = set()
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            try:
                target = str(link.readlink())
            except OSError:
                continue
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            columns = line.split()
            if columns[3] == LISTENS and columns[9] in inodes:
                packed = bytes.fromhex(columns[1].partition(":")[0])
                words = [packed[at : at + 4][::-1] for at in range(0, len(packed), 4)]
                yield str(ipaddress.ip_address(b"".join(words)))


def processes(home: Path) -> set[int]:
    """The living processes of this home's mesh."""
    pids = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                environ = (folder / "environ").read_bytes()
                command = (folder / "cmdline").read_bytes()
                cwd = str((folder / "cwd").readlink())
            except OSError:
                continue
            if str(home).encode() in environ + command or cwd.startswith(str(home)):
                pids.add(int(folder.name))
    return pids - {os.getpid()}


def in_this_network(pid: int) -> bool:
    return Path(f"/proc/{pid}/ns/net").readlink() == Path("/proc/self/ns/net").readlink()


def test_no_other_machine_reaches_anything(mesh: Mesh) -> None:
    interfaces, routes = socket.if_nameindex(), Path("/proc/net/route").read_text()
    mesh.up()
    mesh.ok("branch", "create", "fox", "--fork", "stock")
    pids = processes(mesh.home)
    assert len(pids) >= 11
    addresses = {ipaddress.ip_address(address) for address in listeners(pids)}
    assert all(address.is_loopback for address in addresses), addresses
    count = len(json.loads(mesh.ok("get", "pods", "-o", "json"))["items"])
    if mesh.has_namespaces:
        # What listens on all addresses does so in a network that nothing of the machine's leads to.
        assert len(addresses) >= 2
        assert sum(not in_this_network(pid) for pid in pids) >= count
        assert (socket.if_nameindex(), Path("/proc/net/route").read_text()) == (interfaces, routes)
    else:
        assert len(addresses) > 10
        assert all(in_this_network(pid) for pid in pids)


def test_nobody_else_can_read_what_is_secret_or_reach_envoys_sockets(mesh: Mesh) -> None:
    mesh.up("--empty")
    assert stat.S_IMODE(mesh.home.stat().st_mode) == 0o700
    assert stat.S_IMODE((mesh.home / "run").stat().st_mode) == 0o700
    secret = [mesh.home / "kubeconfig", mesh.home / "token", *(mesh.home / "pki").glob("*.key"), mesh.home / "store.db"]
    for path in secret:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    assert len(secret) >= 4
    token = (mesh.home / "token").read_text().strip()
    assert len(token) >= 43
    logs = "".join(path.read_text(errors="replace") for path in (mesh.home / "logs").rglob("*") if path.is_file())
    assert token not in logs


@pytest.mark.parametrize("path", ["/api/v1/pods", "/apis", "/openapi/v3", "/mesh/v1/status", "/metrics"])
def test_nothing_is_answered_without_the_token(mesh: Mesh, path: str) -> None:
    mesh.up("--empty")
    server = json.loads((mesh.home / "run" / "api.json").read_text())["server"]
    trust = ssl.create_default_context(cafile=str(mesh.home / "pki" / "ca.crt"))
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{server}{path}", context=trust, timeout=20)
    assert refused.value.code == 401
    refused.value.close()
