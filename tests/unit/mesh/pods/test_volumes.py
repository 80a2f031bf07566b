"""Volumes: folders and files that pods see, made from what the manifest refers to."""

import base64
import os
import stat
from pathlib import Path
from typing import Any, cast

import pytest

from mesh.pods.environment import ConfigError
from mesh.pods.sandbox.spec import Mount
from mesh.pods.volumes import (
    TOKEN_FOLDER,
    TOKEN_VOLUME,
    VolumeSources,
    has_changing_volumes,
    make_volumes,
    refresh_volumes,
    volume_mounts,
)
from mesh.resources.core.config import ConfigMap, Secret
from mesh.resources.core.pod import HostPathVolumeSource, Pod
from mesh.resources.validation.manifest import validate

ACCESS = {"token": b"a-token", "ca.crt": b"-----BEGIN", "namespace": b"shop"}


class Place:
    """A pod's folder, and the ConfigMaps and Secrets of its namespace."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "pod"
        self.claims = folder / "claims"
        self.home = folder / "home"
        self.config: dict[str, dict[str, str]] = {}
        self.secrets: dict[str, dict[str, bytes]] = {}
        self.automount = True

    @property
    def sources(self) -> VolumeSources:
        return VolumeSources(
            claims=self.claims,
            claim=self.claim,
            config_map=lambda name: _config_map(self.config[name]) if name in self.config else None,
            secret=lambda name: _secret(self.secrets[name]) if name in self.secrets else None,
            access=lambda _pod: ACCESS,
            fields={"status.podIP": "10.244.1.9"},
            automount=self.automount,
            home=self.home,
        )

    def claim(self, name: str) -> HostPathVolumeSource:
        return HostPathVolumeSource(path=str(self.claims / "shop" / name))

    def make(self, pod: Pod) -> dict[str, Path]:
        return make_volumes(pod, self.folder, self.sources)

    def mounts(self, pod: Pod, **variables: str) -> dict[str, Mount]:
        paths = self.make(pod)
        return {mount.target: mount for mount in volume_mounts(pod, pod.spec.containers[0], paths, variables)}


def _config_map(data: dict[str, str]) -> ConfigMap:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data}
    return cast(ConfigMap, validate(body, "shop").typed)


def _secret(data: dict[str, bytes]) -> Secret:
    encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": encoded}
    return cast(Secret, validate(body, "shop").typed)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def pod_with(volume: dict[str, Any], **more: Any) -> Pod:
    """A pod with one volume, mounted at /data."""
    mount = {"name": "data", "mountPath": "/data", **more.pop("mount", {})}
    main = {"name": "main", "image": "none", "volumeMounts": [mount], "resources": {"limits": {"cpu": "2"}}}
    spec = {
        "containers": [main],
        "volumes": [{"name": "data", **volume}],
        "automountServiceAccountToken": False,
        **more,
    }
    metadata = {"name": "orders-1", "labels": {"app": "orders", "tier": "back"}, "annotations": {"note": 'say "hi"'}}
    return cast(Pod, validate({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}, "shop").typed)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_config_map_is_a_folder_of_files_and_is_never_written_to(place: Place) -> None:
    place.config["settings"] = {"colour": "blue", "size": "7"}
    pod = pod_with({"configMap": {"name": "settings", "defaultMode": 0o640}})
    mount = place.mounts(pod)["/data"]
    folder = Path(mount.source)
    assert mount.read_only
    assert {file.name: file.read_text() for file in folder.iterdir() if not file.name.startswith("..")} == (
        place.config["settings"]
    )
    assert mode(folder / "colour") == 0o640


def test_items_choose_keys_their_paths_and_modes(place: Place) -> None:
    place.secrets["keys"] = {"tls.key": b"\x00\xff", "tls.crt": b"cert"}
    items = [{"key": "tls.key", "path": "private/key.pem", "mode": 0o400}, {"key": "absent", "path": "x"}]
    folder = place.make(pod_with({"secret": {"secretName": "keys", "items": items}}))["data"]
    assert (folder / "private/key.pem").read_bytes() == b"\x00\xff"
    assert mode(folder / "private/key.pem") == 0o400
    assert not (folder / "tls.crt").exists()
    assert not (folder / "x").exists()


def test_what_is_missing_is_named_in_kubernetes_words_unless_it_is_optional(place: Place) -> None:
    with pytest.raises(ConfigError, match=r'MountVolume\.SetUp failed for volume "data" : secret "keys" not found'):
        place.make(pod_with({"secret": {"secretName": "keys"}}))
    folder = place.make(pod_with({"configMap": {"name": "settings", "optional": True}}))["data"]
    assert [file.name for file in folder.iterdir() if not file.name.startswith("..")] == []


def test_a_change_arrives_all_at_once_and_only_when_there_is_one(place: Place) -> None:
    place.config["settings"] = {"colour": "blue", "size": "7"}
    pod = pod_with({"configMap": {"name": "settings"}})
    folder = place.make(pod)["data"]
    before = (folder / "..data").readlink()
    refresh_volumes(pod, place.folder, place.sources)
    assert (folder / "..data").readlink() == before
    place.config["settings"] = {"colour": "red", "shape": "round"}
    refresh_volumes(pod, place.folder, place.sources)
    assert (folder / "..data").readlink() != before
    assert sorted(file.name for file in folder.iterdir() if not file.name.startswith("..")) == ["colour", "shape"]
    assert (folder / "colour").read_text() == "red"
    assert not (folder / before).exists()
    del place.config["settings"]
    refresh_volumes(pod, place.folder, place.sources)
    assert (folder / "colour").read_text() == "red"


def test_projected_puts_several_sources_into_one_folder(place: Place) -> None:
    place.config["settings"] = {"colour": "blue"}
    place.secrets["keys"] = {"password": b"secret"}
    sources = [
        {"configMap": {"name": "settings"}},
        {"secret": {"name": "keys", "items": [{"key": "password", "path": "auth/password"}]}},
        {"downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
        {"serviceAccountToken": {"path": "token", "audience": "vault"}},
    ]
    folder = place.make(pod_with({"projected": {"sources": sources, "defaultMode": 0o444}}))["data"]
    assert (folder / "colour").read_text() == "blue"
    assert (folder / "auth/password").read_text() == "secret"
    assert (folder / "labels").read_text() == 'app="orders"\ntier="back"'
    assert (folder / "token").read_bytes() == b"a-token"
    assert mode(folder / "colour") == 0o444


def test_the_downward_api_shows_fields_and_resources(place: Place) -> None:
    items = [
        {"path": "annotations", "fieldRef": {"fieldPath": "metadata.annotations"}},
        {"path": "name", "fieldRef": {"fieldPath": "metadata.name"}},
        {"path": "ip", "fieldRef": {"fieldPath": "status.podIP"}},
        {"path": "cpu", "mode": 0o600, "resourceFieldRef": {"containerName": "main", "resource": "limits.cpu"}},
    ]
    folder = place.make(pod_with({"downwardAPI": {"items": items}}))["data"]
    texts = {name: (folder / name).read_text() for name in ("annotations", "name", "ip", "cpu")}
    assert texts == {"annotations": 'note="say \\"hi\\""', "name": "orders-1", "ip": "10.244.1.9", "cpu": "2"}
    assert mode(folder / "cpu") == 0o600


def test_a_claim_is_a_folder_of_the_home_that_is_there_again(place: Place) -> None:
    pod = pod_with({"persistentVolumeClaim": {"claimName": "database"}})
    folder = place.make(pod)["data"]
    assert folder == place.claims / "shop" / "database"
    (folder / "rows").write_text("1")
    folder.chmod(0o700)
    place.folder = place.folder.with_name("another-pod")
    again = place.mounts(pod)["/data"]
    assert (Path(again.source) / "rows").read_text() == "1"
    assert mode(folder) == 0o700
    assert not again.read_only


def test_an_empty_folder_is_for_any_user_and_for_all_containers(place: Place) -> None:
    mount = place.mounts(pod_with({"emptyDir": {}}, mount={"readOnly": True}))["/data"]
    assert (mount.kind, mount.read_only) == ("bind", True)
    assert mode(Path(mount.source)) == 0o777
    # In memory or not, all containers of the pod see the same files.
    memory = place.mounts(pod_with({"emptyDir": {"medium": "Memory"}}, mount={"mountPath": "/data/"}))["/data"]
    assert (memory.kind, memory.source) == ("bind", mount.source)


def test_a_sub_path_shows_one_entry_and_does_not_lead_out(place: Place) -> None:
    place.config["settings"] = {"colour": "blue"}
    pod = pod_with({"configMap": {"name": "settings"}}, mount={"mountPath": "/etc/colour", "subPath": "colour"})
    assert Path(place.mounts(pod)["/etc/colour"].source).read_text() == "blue"
    made = pod_with({"emptyDir": {}}, mount={"subPathExpr": "$(POD_NAME)/logs"})
    assert place.mounts(made, POD_NAME="orders-1")["/data"].source.endswith("/data/orders-1/logs")
    (place.folder / "volumes" / "data" / "out").symlink_to("/etc")
    for path in ("../etc", "out"):
        with pytest.raises(ConfigError, match=f'volume "data": subPath "{path}" leads out of the volume'):
            place.mounts(pod_with({"emptyDir": {}}, mount={"subPathExpr": "$(INNER)"}), INNER=path)


def test_a_path_of_the_host_is_checked_by_its_type(place: Place, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    assert place.mounts(pod_with({"hostPath": {"path": str(there), "type": "Directory"}}))["/data"].source == str(there)
    with pytest.raises(ConfigError, match=f"{there} is not a File"):
        place.make(pod_with({"hostPath": {"path": str(there), "type": "File"}}))
    missing = tmp_path / "missing"
    with pytest.raises(ConfigError, match=str(missing)):
        place.make(pod_with({"hostPath": {"path": str(missing)}}))
    place.make(pod_with({"hostPath": {"path": str(missing), "type": "DirectoryOrCreate"}}))
    assert missing.is_dir()


@pytest.mark.parametrize(
    ("pods", "accounts", "expected"),
    [(None, True, True), (None, False, False), (True, False, True), (False, True, False)],
)
def test_the_token_is_mounted_unless_the_pod_or_else_its_account_declines(
    place: Place, pods: bool | None, accounts: bool, expected: bool
) -> None:
    place.automount = accounts
    pod = pod_with({"emptyDir": {}}, automountServiceAccountToken=pods)
    mounts = place.mounts(pod)
    assert (TOKEN_FOLDER in mounts) is expected
    assert (TOKEN_VOLUME in place.make(pod)) is expected
    if expected:
        assert mounts[TOKEN_FOLDER].read_only
        assert (Path(mounts[TOKEN_FOLDER].source) / "token").read_bytes() == b"a-token"


@pytest.mark.parametrize("path", ["home", "home/pki", "link", "link/pki", "home/new"])
def test_no_host_path_leads_into_the_meshs_own_folder(place: Place, path: str) -> None:
    (place.home / "pki").mkdir(parents=True)
    folder = place.home.parent
    (folder / "folder").mkdir()
    (folder / "link").symlink_to("home")
    with pytest.raises(ConfigError, match=f"hostPath {folder}/{path} is in the mesh's own folder"):
        place.make(pod_with({"hostPath": {"path": str(folder / path), "type": "DirectoryOrCreate"}}))
    assert not (place.home / "new").exists()
    place.make(pod_with({"hostPath": {"path": str(folder / "folder")}}))


def test_a_sub_path_makes_nothing_behind_a_link_that_the_pod_has_put_there(place: Place) -> None:
    outside = place.folder.parent / "outside"
    outside.mkdir()
    pod = pod_with({"emptyDir": {}}, mount={"subPath": "inner/new"})
    (place.make(pod)["data"] / "inner").symlink_to(outside)
    with pytest.raises(ConfigError, match='subPath "inner/new" leads out of the volume'):
        place.mounts(pod)
    assert list(outside.iterdir()) == []


def test_a_kind_that_cannot_be_made_is_named(place: Place) -> None:
    with pytest.raises(ConfigError, match=r'volume "data": .* possible are emptyDir'):
        place.make(pod_with({"nfs": {"server": "a", "path": "/"}}))


def test_only_some_volumes_change(place: Place) -> None:
    assert has_changing_volumes(pod_with({"configMap": {"name": "a"}}))
    assert has_changing_volumes(pod_with({"downwardAPI": {"items": []}}))
    assert not has_changing_volumes(pod_with({"emptyDir": {}}))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")
def test_files_and_folders_belong_to_the_pods_user(place: Place) -> None:
    place.config["settings"] = {"colour": "blue"}
    sources = VolumeSources(
        place.claims, place.claim, lambda name: _config_map(place.config[name]), owner=(64_500, 64_501)
    )
    volumes: list[dict[str, Any]] = [{"configMap": {"name": "settings"}}, {"emptyDir": {}}]
    for number, volume in enumerate(volumes):
        folder = make_volumes(pod_with(volume), place.folder / str(number), sources)["data"]
        owned = folder / "colour" if number == 0 else folder
        assert (owned.stat().st_uid, owned.stat().st_gid) == (64_500, 64_501)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")
def test_with_fs_group_a_claims_files_change_hands_once(place: Place) -> None:
    pod = pod_with({"persistentVolumeClaim": {"claimName": "database"}})
    folder = place.claims / "shop" / "database"
    (folder / "inner").mkdir(parents=True, mode=0o755)
    (folder / "inner" / "rows").touch(0o600)
    (folder / "link").symlink_to("/etc/passwd")
    before = Path("/etc/passwd").stat()
    sources = VolumeSources(place.claims, place.claim, owner=(64_500, 64_501), passes_group_on=True)
    make_volumes(pod, place.folder, sources)
    assert Path("/etc/passwd").stat() == before
    assert {(path.stat().st_gid, mode(path)) for path in (folder, folder / "inner")} == {(64_501, 0o2775)}
    assert ((folder / "inner" / "rows").stat().st_gid, mode(folder / "inner" / "rows")) == (64_501, 0o660)
    (folder / "inner" / "rows").chmod(0o400)
    make_volumes(pod, place.folder, sources)
    assert mode(folder / "inner" / "rows") == 0o400
