"""The files that every pod gets."""

from pathlib import Path

from mesh.pods.runtime.pod_files import PodFiles, group_line, passwd_line
from mesh.resources.core.pod import Pod
from tests.support.objects import pod
from tests.support.worlds import typed

STRANGER = 64_990


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
