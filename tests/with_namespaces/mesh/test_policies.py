"""AuthorizationPolicy cannot be bypassed from inside a pod, by whatever way the guarded pod is reached."""

import pytest

from tests.support.waiting import until
from tests.with_namespaces.mesh.attempts import CONTEXTS, Yard

WAYS = """
guarded, other, cluster_ip, node_port = sys.argv[1:]
open_ip = socket.gethostbyname("open")
def raw(address, port, *headers, target="/"):
    head = "\\r\\n".join([f"GET {target} HTTP/1.1", "Connection: close", *headers])
    return send(address, port, (head + "\\r\\n\\r\\n").encode())
def own_listener(address):
    return raw(address, 15001, "Host: guarded")
def link_local():
    mac = socket.inet_aton(guarded)
    interface = bytes((0x08, 0x58, mac[0], 0xFF, 0xFE, *mac[1:]))
    groups = ":".join(interface[at:at + 2].hex() for at in range(0, 8, 2))
    return send(f"fe80::{groups}%eth0", 9000, b"line\\n", socket.AF_INET6)
tell({
    "name": ask("http://guarded/"),
    "long name": ask("http://guarded.mesh.svc.cluster.local/"),
    "ClusterIP": ask(f"http://{cluster_ip}/"),
    "pod IP": ask(f"http://{guarded}:8080/"),
    "pod IP as IPv6": ask(f"http://[::ffff:{guarded}]:8080/"),
    "pod IP with another host": ask(f"http://{guarded}:8080/", Host="open"),
    "another service with its host": ask("http://open/", Host="guarded"),
    "an address of nobody with its host": ask("http://192.0.2.1/", Host="guarded"),
    "NodePort": ask(f"http://10.244.0.1:{node_port}/"),
    "the pod's port of bytes": send(guarded, 9000, b"line\\n"),
    "the Service's port of bytes": send(cluster_ip, 9000, b"line\\n"),
    "the pod's HTTP port with bytes": raw(guarded, 8080, "Host: x", target="http://guarded/"),
    "HTTP to the pod's port of bytes": raw(guarded, 9000, "Host: guarded"),
    "through the listener of the pod itself": own_listener("127.0.0.1"),
    "through the listener of the guarded pod": own_listener(guarded),
    "through the listener of the friend": own_listener(other),
    "through the listener of another pod": own_listener(open_ip),
    "through the mesh's address": own_listener("10.244.0.1"),
    "as the friend": ask("http://guarded/", **{
        "x-forwarded-client-cert": "URI=spiffe://cluster.local/ns/mesh/sa/friend", "x-forwarded-for": other}),
    "with the friend's destination": ask(f"http://{guarded}:8080/", **{"x-envoy-original-dst-host": f"{guarded}:8080"}),
    "with PROXY protocol": send(guarded, 9000, f"PROXY TCP4 {other} {guarded} 4000 9000\\r\\nline\\n".encode()),
    "by link-local IPv6": link_local(),
})
"""


def ways(yard: Yard, pod: str, container: str = "") -> dict[str, str]:
    service = yard.service("guarded")
    words = (yard.pod("guarded").ip, yard.pod("friend").ip, service.address, service.node_port)
    return {name: str(answer) for name, answer in yard.attempt(WAYS, *words, pod=pod, container=container).items()}


@pytest.mark.parametrize("container", ["intruder", *CONTEXTS])
def test_no_way_leads_an_intruder_to_a_guarded_pod(yard: Yard, container: str) -> None:
    answers = ways(yard, "intruder", container)
    assert {name for name, answer in answers.items() if "treasure" in answer} == set()
    for name in ("name", "long name", "ClusterIP", "pod IP", "pod IP with another host", "NodePort"):
        assert answers[name].startswith("[403, "), (name, answers[name])


def test_a_friend_gets_through(yard: Yard) -> None:
    """The same ways, so that none of them is closed for another reason than the policy."""
    answers = ways(yard, "friend")
    reached = {name for name, answer in answers.items() if "treasure" in answer}
    assert reached >= {
        "name", "long name", "ClusterIP", "pod IP", "pod IP as IPv6", "pod IP with another host", "NodePort",
        "the pod's port of bytes", "the Service's port of bytes", "the pod's HTTP port with bytes", "as the friend",
    }  # fmt: skip


def test_a_policy_follows_its_pods_to_new_addresses(yard: Yard) -> None:
    former = yard.pod("guarded")
    yard.kubectl("delete", "pod", "-n", "mesh", former.name)
    until(lambda: yard.pods("guarded") and former not in yard.pods("guarded"))
    answers = ways(yard, "intruder")
    assert {name for name, answer in answers.items() if "treasure" in answer} == set()
    assert answers["pod IP"].startswith("[403, ")
    until(lambda: ways(yard, "friend")["pod IP"] == "[200, 'treasure']")
