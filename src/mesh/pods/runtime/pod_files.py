"""The files that are written for every pod: /etc/hosts, /etc/hostname and /etc/resolv.conf, as Kubernetes does it.

/etc/passwd and /etc/group are added for users that the machine does not know, as CRI-O and Podman do it: PostgreSQL's
initdb, ssh or Python's getpass refuse to work for a user without a name.
"""

import grp
import pwd
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mesh.pods.network.addresses import DNS_ADDRESS, HOST_ADDRESS
from mesh.pods.sandbox.spec import Mount
from mesh.resources.core.pod import Pod

CLUSTER_DOMAIN = "cluster.local"
HOST_NAME = "host.meshmall.internal"
# Longer names are cut, as Kubernetes does: a host name has 63 characters.
LONGEST_HOSTNAME = 63


class PodFiles:
    """Written when they are first mounted; the pod's containers share them."""

    def __init__(self, pod: Pod, ip: str, folder: Path, users: Iterable[tuple[int, int]] = ()) -> None:
        """`users` are the users and groups as which the pod's containers run, where they are not the mesh's own."""
        self.hostname = (pod.spec.hostname or pod.metadata.name)[:LONGEST_HOSTNAME].rstrip("-.")
        self._pod = pod
        self._ip = ip
        self._folder = folder / "etc"
        self._home = folder
        self._users = tuple(dict.fromkeys(users))
        self._groups = tuple(dict.fromkeys(gid for _, gid in self._users))

    def mounts(self, *, accounts: bool = True) -> tuple[Mount, ...]:
        """Writes the files and says where they appear. A container may change them, for its own pod.

        Without `accounts` the container has its own users: those of its image.
        """
        texts = {
            "hosts": hosts(self._pod, self.hostname, self._ip),
            "hostname": f"{self.hostname}\n",
            "resolv.conf": resolv_conf(self._pod),
        }
        if accounts and (
            lines := "".join(passwd_line(uid, gid, self._home) for uid, gid in self._users if not _is_user(uid))
        ):
            texts["passwd"] = Path("/etc/passwd").read_text() + lines
        if accounts and (lines := "".join(group_line(gid) for gid in self._groups if not _is_group(gid))):
            texts["group"] = Path("/etc/group").read_text() + lines
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o755)
        mounts = []
        for name, text in texts.items():
            path = self._folder / name
            if not path.exists():
                path.write_text(text)
                path.chmod(0o644)
            mounts.append(Mount(f"/etc/{name}", str(path)))
        return tuple(mounts)


def passwd_line(uid: int, gid: int, home: Path) -> str:
    """A line of /etc/passwd (passwd(5)) for a user that the machine does not know."""
    return f"pod{uid}:x:{uid}:{gid}:user of a pod:{home}:/bin/sh\n"


def group_line(gid: int) -> str:
    """A line of /etc/group (group(5))."""
    return f"pod{gid}:x:{gid}:\n"


def _is_user(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _is_group(gid: int) -> bool:
    try:
        grp.getgrgid(gid)
    except KeyError:
        return False
    return True


def hosts(pod: Pod, hostname: str, ip: str) -> str:
    """/etc/hosts as the kubelet writes it, hostAliases last."""
    names = hostname
    if pod.spec.subdomain:
        domain = f"{pod.spec.subdomain}.{pod.metadata.namespace}.svc.{CLUSTER_DOMAIN}"
        names = f"{hostname}.{domain}\t{hostname}"
    lines = [
        "# Kubernetes-managed hosts file.",
        "127.0.0.1\tlocalhost",
        "::1\tlocalhost ip6-localhost ip6-loopback",
        "fe00::0\tip6-localnet",
        "fe00::0\tip6-mcastprefix",
        "fe00::1\tip6-allnodes",
        "fe00::2\tip6-allrouters",
        f"{ip}\t{names}",
        f"{HOST_ADDRESS}\t{HOST_NAME}",
    ]
    if pod.spec.host_aliases:
        lines += ["", "# Entries added by HostAliases."]
        lines += ["\t".join([str(alias["ip"]), *alias.get("hostnames", [])]) for alias in pod.spec.host_aliases]
    return "\n".join(lines) + "\n"


def resolv_conf(pod: Pod) -> str:
    """/etc/resolv.conf by dnsPolicy and dnsConfig (Kubernetes, "DNS for Services and Pods").

    The policy Default keeps the mesh's resolver, which asks the host's name servers for what it does not know: the
    host's own may be out of reach from the pod's network. It has no search domains of the cluster.
    """
    namespace = pod.metadata.namespace
    policy = pod.spec.dns_policy or "ClusterFirst"
    nameservers, searches, options = [DNS_ADDRESS], [], {}
    if policy in ("ClusterFirst", "ClusterFirstWithHostNet"):
        searches = [f"{namespace}.svc.{CLUSTER_DOMAIN}", f"svc.{CLUSTER_DOMAIN}", CLUSTER_DOMAIN]
        options = {"ndots": "5"}
    config: Mapping[str, Any] = pod.spec.dns_config or {}
    if policy == "None":
        nameservers = []
    nameservers += [str(address) for address in config.get("nameservers") or []]
    searches += [str(domain) for domain in config.get("searches") or []]
    options |= {str(option["name"]): str(option.get("value") or "") for option in config.get("options") or []}
    lines = [f"nameserver {address}" for address in dict.fromkeys(nameservers)]
    if searches:
        lines.insert(0, "search " + " ".join(dict.fromkeys(searches)))
    if options:
        lines.append("options " + " ".join(f"{name}:{value}" if value else name for name, value in options.items()))
    return "\n".join(lines) + "\n"
