"""The files that every pod gets, as Kubernetes writes them."""

from pathlib import Path
from typing import Any, cast

from mesh.pods.network.addresses import DNS_ADDRESS
from mesh.pods.runtime.pod_files import PodFiles, group_line, hosts, passwd_line, resolv_conf
from mesh.resources.core.pod import Pod
from mesh.resources.validation.manifest import validate
from tests.support.objects import pod
from tests.support.worlds import typed

STRANGER = 64_990


def pod_of(name: str = "orders-1", **spec: Any) -> Pod:
    whole = {"containers": [{"name": "main", "image": "none"}], **spec}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": whole}
    return cast(Pod, validate(body, "shop").typed)


def test_resolv_conf_searches_the_pods_namespace_first() -> None:
    assert resolv_conf(pod_of()) == (
        f"search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver {DNS_ADDRESS}\noptions ndots:5\n"
    )
    assert resolv_conf(pod_of(dnsPolicy="Default")) == f"nameserver {DNS_ADDRESS}\n"


def test_dns_config_is_merged_and_alone_counts_with_policy_none() -> None:
    config = {
        "nameservers": ["192.0.2.1"],
        "searches": ["example.org"],
        "options": [{"name": "ndots", "value": "2"}, {"name": "edns0"}],
    }
    merged = resolv_conf(pod_of(dnsConfig=config)).splitlines()
    assert merged[0] == "search shop.svc.cluster.local svc.cluster.local cluster.local example.org"
    assert merged[-1] == "options ndots:2 edns0"
    assert "nameserver 192.0.2.1" in merged
    assert resolv_conf(pod_of(dnsPolicy="None", dnsConfig=config)) == (
        "search example.org\nnameserver 192.0.2.1\noptions ndots:2 edns0\n"
    )


def test_hosts_names_the_pod_its_subdomain_and_its_aliases() -> None:
    lines = hosts(pod_of(), "orders-1", "10.244.1.9").splitlines()
    assert "10.244.1.9\torders-1" in lines
    assert "127.0.0.1\tlocalhost" in lines
    aliases = [{"ip": "192.0.2.7", "hostnames": ["old.example", "older.example"]}]
    lines = hosts(pod_of(subdomain="db", hostAliases=aliases), "db-0", "10.244.1.9").splitlines()
    assert "10.244.1.9\tdb-0.db.shop.svc.cluster.local\tdb-0" in lines
    assert lines[-2:] == ["# Entries added by HostAliases.", "192.0.2.7\told.example\tolder.example"]


def test_a_long_name_is_cut_to_a_hostname(tmp_path: Path) -> None:
    files = PodFiles(pod_of("a" * 62 + "-" + "b" * 20), "10.244.1.9", tmp_path)
    assert files.hostname == "a" * 62
    assert PodFiles(pod_of(hostname="other"), "10.244.1.9", tmp_path).hostname == "other"


def test_what_a_container_wrote_into_its_hosts_file_outlives_a_restart(tmp_path: Path) -> None:
    files = PodFiles(pod_of(), "10.244.1.9", tmp_path)
    mounts = {mount.target: Path(mount.source) for mount in files.mounts()}
    assert set(mounts) == {"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"}
    assert mounts["/etc/hostname"].read_text() == "orders-1\n"
    mounts["/etc/hosts"].write_text("changed\n")
    assert Path(files.mounts()[0].source).read_text() == "changed\n"


def files(folder: Path, *users: tuple[int, int]) -> dict[str, str]:
    """What each file that is mounted contains."""
    body = typed(pod("web-1", "10.244.0.5", "shop", app="web"))
    assert isinstance(body, Pod)
    return {
        mount.target: Path(mount.source).read_text() for mount in PodFiles(body, "10.244.0.5", folder, users).mounts()
    }


def test_a_user_that_the_machine_does_not_know_has_a_name_in_the_pod(tmp_path: Path) -> None:
    texts = files(tmp_path, (STRANGER, STRANGER), (STRANGER, STRANGER), (0, 0))
    assert texts["/etc/passwd"] == Path("/etc/passwd").read_text() + passwd_line(STRANGER, STRANGER, tmp_path)
    assert texts["/etc/group"] == Path("/etc/group").read_text() + group_line(STRANGER)
    assert passwd_line(7, 8, Path("/x")) == "pod7:x:7:8:user of a pod:/x:/bin/sh\n"


def test_the_machine_s_own_users_need_no_line(tmp_path: Path) -> None:
    assert set(files(tmp_path, (0, 0))) == {"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"}
    assert set(files(tmp_path / "none")) == {"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"}


def test_the_pod_s_name_leads_to_its_address_and_anyone_may_read_it(tmp_path: Path) -> None:
    texts = files(tmp_path)
    assert texts["/etc/hostname"] == "web-1\n"
    assert "10.244.0.5\tweb-1\n" in texts["/etc/hosts"]
    assert texts["/etc/resolv.conf"].startswith("search shop.svc.cluster.local svc.cluster.local cluster.local\n")
    assert (tmp_path / "etc" / "hosts").stat().st_mode & 0o444 == 0o444
