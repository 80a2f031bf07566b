"""What a pod tries against the machine, the mesh and other pods, and what comes of it."""

import contextlib
import http.server
import json
import os
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.mesh import Mesh
from tests.support.programs import deployment
from tests.support.waiting import until
from tests.with_namespaces.mesh.attempts import CONTEXTS, Yard

ALL = ("intruder", *CONTEXTS)
# What container runtimes grant, less what makes devices, raw packets and audit records.
DEFAULT = {
    *("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP"),
    *("NET_BIND_SERVICE", "SYS_CHROOT", "SETFCAP"),
}
# linux/capability.h
NUMBERS = {
    "CHOWN": 0, "DAC_OVERRIDE": 1, "DAC_READ_SEARCH": 2, "FOWNER": 3, "FSETID": 4, "KILL": 5, "SETGID": 6, "SETUID": 7,
    "SETPCAP": 8, "NET_BIND_SERVICE": 10, "NET_ADMIN": 12, "NET_RAW": 13, "SYS_MODULE": 16, "SYS_CHROOT": 18,
    "SYS_PTRACE": 19, "SYS_ADMIN": 21, "SETFCAP": 31,
}  # fmt: skip


def capabilities(names: set[str]) -> int:
    return sum(1 << NUMBERS[name] for name in names)


@contextlib.contextmanager
def host_server() -> Iterator[int]:
    """A server on the host's loopback alone; its port."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-length", "4")
            self.end_headers()
            self.wfile.write(b"host")

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def daemon_port(mesh: Mesh) -> int:
    return int(json.loads((mesh.home / "run" / "api.json").read_text())["server"].rpartition(":")[2])


def test_the_hosts_loopback_is_reached_by_its_name_alone(yard: Yard) -> None:
    code = """
port = sys.argv[1]
places = ["127.0.0.1", "127.0.0.2", "localhost", "0.0.0.0", "0.0.0.1", sys.argv[2]]
places += ["10.244.0.1", "10.244.0.3", "10.96.0.2"]
got = [ask(f"http://{place}:{port}/") for place in places]
got += [ask(f"http://[{place}]:{port}/") for place in ("::1", "::ffff:127.0.0.1", "::ffff:7f00:1")]
# By the words of a request that is sent elsewhere, and by asking Envoy to be a proxy.
got += [ask("http://open/", Host=f"127.0.0.1:{port}"), ask("http://192.0.2.1/", Host=f"127.0.0.1:{port}")]
for address in ("open", "192.0.2.1", "127.0.0.1", sys.argv[3]):
    for number in (80, 15001):
        for line in (f"CONNECT 127.0.0.1:{port} HTTP/1.1", f"GET http://127.0.0.1:{port}/ HTTP/1.1"):
            request = f"{line}\\r\\nHost: 127.0.0.1:{port}\\r\\nx-envoy-original-dst-host: 127.0.0.1:{port}\\r\\n\\r\\n"
            got.append(send(address, number, request.encode()))
tell([ask(f"http://host.meshmall.internal:{port}/"), [str(answer) for answer in got]])
"""
    with host_server() as port:
        named, others = yard.attempt(code, port, yard.mesh.address, yard.pod("open").ip)
    assert named == [200, "host"]
    assert len(others) == 30
    assert not [answer for answer in others if "host" in answer.replace("to host", "").replace("localhost", "")]


def test_the_api_is_reached_by_its_name_alone_and_only_with_a_token(yard: Yard) -> None:
    code = """
folder = "/var/run/secrets/kubernetes.io/serviceaccount"
tls = ssl.create_default_context(cafile=f"{folder}/ca.crt")
token = open(f"{folder}/token").read()
path = "/api/v1/namespaces/mesh/pods?limit=1"
name = "https://kubernetes.default.svc"
loose = ssl.create_default_context()
loose.check_hostname, loose.verify_mode = False, ssl.CERT_NONE
places = ["127.0.0.1", "10.244.0.1", "10.244.0.3", "[::1]", sys.argv[2]]
tell({
    "with": ask(name + path, tls, authorization=f"Bearer {token}")[0],
    "without": ask(name + path, tls)[0],
    "wrong": ask(name + path, tls, authorization=f"Bearer {token}x")[0],
    "page": ask(name + path, tls, authorization=f"Bearer {token}", origin="http://open")[0],
    "elsewhere": [ask(f"https://{place}:{sys.argv[1]}{path}", loose)[0] for place in places],
    "token": token,
})
"""
    answer = yard.attempt(code, daemon_port(yard.mesh), yard.mesh.address)
    token = answer.pop("token")
    assert token
    assert (yard.mesh.home / "token").read_text().strip() not in token
    assert answer == {"with": 200, "without": 401, "wrong": 401, "page": 403, "elsewhere": [0] * 5}


@pytest.mark.parametrize("container", ALL)
def test_the_meshs_home_is_closed(yard: Yard, container: str) -> None:
    home, other = yard.mesh.home, yard.pod("guarded").uid
    names = ("token", "kubeconfig", "store.db", "pki/client.key", "run/agent.sock", "run/api.json", f"pods/{other}")
    assert all((home / name).exists() for name in names), [name for name in names if not (home / name).exists()]
    code = """
home, names = sys.argv[1], sys.argv[2:]
def look():
    opened = []
    roots = ["", "/proc/1/root", "/proc/self/root", "/proc/1/cwd/../../../../../../.."]
    roots += ["/machine", "/machine/proc/1/root"]
    for folder in [f"{root}{home}" for root in roots] + [f"/above/{os.path.basename(home)}"]:
        for name in names:
            path = f"{folder}/{name}"
            try:
                os.close(os.open(path, os.O_PATH))
                opened.append(path)
            except OSError:
                pass
    for socket_name in ("run/agent.sock", "run/edge/egress.sock", "run/ads.sock"):
        with socket.socket(socket.AF_UNIX) as sock:
            if attempt(sock.connect, f"{home}/{socket_name}") is None:
                opened.append(socket_name)
    return opened
before = look()
# With all capabilities in a user namespace of its own it may change its mounts, but not uncover what is below them.
entered = call("unshare", CLONE_NEWUSER | CLONE_NEWNS)
uncovered = call("umount2", home.encode(), MNT_DETACH)
call("umount2", os.path.dirname(home).encode(), MNT_DETACH), call("umount2", b"/tmp", MNT_DETACH)
tell([before, entered, uncovered, look()])
"""
    assert yard.attempt("tell(os.listdir('/above'))")
    before, entered, uncovered, after = yard.attempt(code, home, *names, container=container)
    assert (before, after) == ([], [])
    assert entered == "done"
    assert uncovered != "done"


def test_a_pods_own_folder_has_nothing_that_the_mesh_trusts(yard: Yard) -> None:
    """What the mesh writes there later (ConfigMaps, tokens, /etc/hosts) a pod could lead elsewhere by a link."""
    folder = yard.mesh.home / "pods" / yard.pod("intruder").uid
    assert {path.name for path in folder.iterdir()} == {"etc", "volumes", "work"}
    code = "open('mine', 'w').close(); tell([os.getcwd(), os.listdir('.')])"
    assert yard.attempt(code) == [str(folder), ["mine"]]
    assert [path.name for path in (folder / "work").iterdir()] == ["mine"]


def test_a_host_path_into_the_meshs_home_is_refused(yard: Yard) -> None:
    body = deployment("reader", ["sleep", "1000"], 1)
    spec = body["spec"]["template"]["spec"]
    spec["volumes"] = [{"name": "pki", "hostPath": {"path": str(yard.mesh.home / "pki")}}]
    spec["containers"][0]["volumeMounts"] = [{"name": "pki", "mountPath": "/pki"}]
    yard.mesh.ok("apply", "-f", "-", stdin=json.dumps(body))
    until(lambda: "which no pod may see" in yard.kubectl("describe", "pod", "-n", "mesh", "-l", "app=reader"))
    yard.kubectl("delete", "deployment", "-n", "mesh", "reader-v1")


@pytest.mark.parametrize("container", ALL)
def test_a_pods_processes_are_all_that_it_sees(yard: Yard, container: str) -> None:
    daemon = yard.daemon
    code = """
numbers = [int(name) for name in os.listdir("/proc") if name.isdigit()]
lines = [open(f"/proc/{number}/cmdline").read() for number in numbers]
# Of the exec'd program itself, whose standard streams are pipes; of the container's, which may open its own.
own = [attempt(os.readlink, f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")]
first = [attempt(os.readlink, f"/proc/1/fd/{name}") for name in os.listdir("/proc/1/fd")]
tell([numbers, lines, attempt(os.kill, int(sys.argv[1]), 9), own, first])
"""
    numbers, lines, killed, own, first = yard.attempt(code, daemon, container=container)
    assert len(numbers) == 2
    assert not [line for line in lines if "meshmall" in line or "mesh.daemon" in line or "envoy" in line.split("\0")[0]]
    assert killed == "No such process"
    assert Path(f"/proc/{daemon}").exists()
    # The folder that was listed is closed again.
    assert [file.partition(":")[0] for file in own] == ["pipe", "pipe", "pipe", "No such file or directory"]
    output = yard.mesh.home / "run" / "output" / yard.pod("intruder").uid
    listening = ["socket:"] * 2 if container == "intruder" else []
    assert [file[:7] if file.startswith("socket") else file.rpartition(".")[0] or file for file in first] == [
        "/dev/null",
        *[str(output / container)] * 2,
        *listening,
    ]


def test_a_signal_to_everybody_reaches_nobody_else(yard: Yard) -> None:
    guarded = yard.pod("guarded")
    daemon = yard.daemon
    for container in ALL:
        yard.attempt("attempt(os.kill, -1, 9); tell(0)", container=container)
    assert yard.pod("guarded") == guarded
    os.kill(daemon, 0)
    rows = json.loads(yard.mesh.ok("get", "pod", guarded.name, "-o", "json"))["status"]["containerStatuses"]
    assert [row["restartCount"] for row in rows] == [0]


@pytest.mark.parametrize("container", ALL)
def test_a_pod_has_no_power_over_the_machine(yard: Yard, container: str) -> None:
    code = """
def opened(path, flags=os.O_WRONLY):
    os.close(os.open(path, flags))
    return "done"
from mesh.pods.network.netlink import NETLINK_NETFILTER, NETLINK_ROUTE, NetlinkSocket
from mesh.pods.network.nftables import pod_rules
from mesh.pods.network.links import delete_link
def rewrite():
    with NetlinkSocket(NETLINK_NETFILTER) as netfilter:
        netfilter.send(*pod_rules("10.244.0.9", "10.96.0.10", 15053, 9))
    return "done"
def unplug():
    with NetlinkSocket(NETLINK_ROUTE) as route:
        route.send(delete_link("eth0"))
    return "done"
def raw(*words):
    socket.socket(*words).close()
    return "done"
def network():
    return {
        "rewrite": attempt(rewrite), "unplug": attempt(unplug),
        "raw": attempt(raw, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP),
        "packet": attempt(raw, socket.AF_PACKET, socket.SOCK_RAW, 0x300),
    }
groups = [f"{root}/cgroup.procs" for root, _, files in os.walk("/sys/fs/cgroup") if "cgroup.procs" in files]
got = {
    "mount": call("mount", b"none", b"/mnt", b"tmpfs", 0, 0),
    "host name": attempt(socket.sethostname, "other"),
    "clock": attempt(__import__("time").clock_settime, 0, 0),
    "device": attempt(os.mknod, "/tmp/disk", 0o60600, os.makedev(8, 0)),
    "memory": attempt(opened, "/dev/mem", os.O_RDONLY),
    "sysrq": attempt(opened, "/proc/sysrq-trigger"),
    "core pattern": attempt(opened, "/proc/sys/kernel/core_pattern"),
    "shadow": attempt(opened, "/etc/shadow", os.O_RDONLY),
    "passwd": attempt(opened, "/etc/passwd"),
    "module": call("syscall", 175, b"", 0, b""),
    "cgroups": "done" if any(attempt(opened, path) == "done" for path in groups) else "refused",
    "new cgroup": attempt(os.mkdir, "/sys/fs/cgroup/intruder") or "done",
    **network(),
}
call("unshare", CLONE_NEWUSER)
got |= {f"{name} in a user namespace": result for name, result in network().items()}
tell(got)
"""
    got = yard.attempt(code, container=container)
    assert {name for name, result in got.items() if result in ("done", None)} == set()
    assert len(got) == 20


@pytest.mark.parametrize(
    ("container", "granted"),
    [("intruder", DEFAULT), ("root", DEFAULT), ("bare", set()), ("less", DEFAULT - {"CHOWN", "KILL"})],
)
def test_capabilities_are_those_of_containers_less_what_is_dropped(
    yard: Yard, container: str, granted: set[str]
) -> None:
    code = 'tell(dict(line.split(":\\t") for line in open("/proc/self/status").read().splitlines() if ":\\t" in line))'
    status = yard.attempt(code, container=container)
    assert int(status["CapBnd"], 16) == capabilities(granted)
    assert status["NoNewPrivs"] == "1"
    assert status["CapAmb"] == status["CapInh"] == "0000000000000000"
    # They count in the user namespace of uid 0 alone; other users have none, as in any container.
    assert int(status["CapEff"], 16) == (capabilities(granted) if container == "root" else 0)


def test_nobody_is_root_of_the_machine(yard: Yard) -> None:
    code = 'tell([os.getuid(), open("/proc/self/uid_map").read().split()])'
    for container in ALL:
        uid, numbers = yard.attempt(code, container=container)
        if uid == 0:
            # A user namespace whose users, one or with the machine's subordinate ids many, are somebody else outside.
            outside = {int(first): int(number) for first, number in zip(numbers[::3], numbers[1::3], strict=True)}
            assert 0 in outside
            assert 0 not in outside.values()
        elif os.getuid() != 0:
            assert uid == os.getuid()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a program that is root's for everybody")
def test_a_set_user_id_program_gives_no_rights(yard: Yard) -> None:
    assert yard.suid.stat().st_mode & stat.S_ISUID
    assert yard.suid.stat().st_uid == 0
    code = "import subprocess; tell(subprocess.check_output(['/suid/id', '-u'], text=True))"
    for container in ALL:
        assert yard.attempt(code, container=container) == yard.attempt("tell(f'{os.getuid()}\\n')", container=container)


def test_abstract_sockets_of_the_host_are_not_there(yard: Yard) -> None:
    name = f"\0mesh-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name)
        server.listen()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(name)
        code = "tell(attempt(socket.socket(socket.AF_UNIX).connect, '\\0' + sys.argv[1]))"
        assert yard.attempt(code, name[1:]) == "Connection refused"


def test_the_mesh_still_serves(yard: Yard) -> None:
    """Last: nothing of the above has broken anything."""
    until(lambda: yard.attempt('tell(ask("http://open/"))') == [200, "open"])
