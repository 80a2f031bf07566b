"""Network namespaces of pods on one bridge, all inside a network namespace that ends with its processes."""

import subprocess
from pathlib import Path

HOST = "10.244.0.1"
NETNS = Path("/etc/netns")
# Envoy's own connections are the ones that are not sent to it again.
ENVOY_USER = 1337
# Where istiod's configuration has Envoy listen for what a pod's programs call.
OUTBOUND = 15001
REDIRECT = f"""table ip mesh {{
  chain output {{
    type nat hook output priority -100
    meta skuid {ENVOY_USER} return
    ip daddr 127.0.0.0/8 return
    meta l4proto tcp redirect to :{OUTBOUND}
  }}
}}
"""


def run(*command: str, text: str | None = None) -> str:
    """What a command prints. Raises SystemExit with its words when it fails."""
    ended = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(f"{' '.join(command)}: {ended.stderr or ended.stdout}")
    return ended.stdout


def make_bridge() -> None:
    """The cluster's network. /run/netns and /etc/netns are empty folders of this mount namespace alone."""
    for folder in (Path("/run/netns"), NETNS):
        folder.mkdir(parents=True, exist_ok=True)
        run("mount", "-t", "tmpfs", "none", str(folder))
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", "br0", "type", "bridge")
    run("ip", "addr", "add", f"{HOST}/16", "dev", "br0")
    run("ip", "link", "set", "br0", "up")


def make_pod(number: int, hosts: str) -> tuple[str, str]:
    """The network namespace of a pod and its address."""
    name, address = f"pod{number}", f"10.244.{1 + number // 250}.{1 + number % 250}"
    (NETNS / name).mkdir()
    write_hosts(name, hosts)
    run("ip", "netns", "add", name)
    run("ip", "link", "add", f"veth{number}", "type", "veth", "peer", "name", "eth0", "netns", name)
    run("ip", "link", "set", f"veth{number}", "master", "br0", "up")
    for words in (
        "link set lo up",
        f"addr add {address}/16 dev eth0",
        "link set eth0 up",
        f"route add default via {HOST}",
    ):
        run("ip", "-n", name, *words.split())
    run("ip", "netns", "exec", name, "nft", "-f", "-", text=REDIRECT)
    return name, address


def write_hosts(name: str, hosts: str) -> None:
    """The names that the pod's programs find; `ip netns exec` puts the file in the place of /etc/hosts."""
    (NETNS / name / "hosts").write_text(hosts)


def remove_pod(name: str) -> None:
    run("ip", "netns", "del", name)
