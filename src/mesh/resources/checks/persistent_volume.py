"""What a PersistentVolumeClaim, PersistentVolume or StorageClass can get wrong by itself, and what may not change."""

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from mesh.resources.core.persistent_volume import (
    PersistentVolume,
    PersistentVolumeClaim,
    PersistentVolumeClaimSpec,
    Quantity,
    StorageClass,
    VolumeResourceRequirements,
)
from mesh.resources.values.names import none_of, wrong_subdomain
from mesh.resources.values.problems import FieldError, forbidden, required
from mesh.resources.values.quantities import quantity

Errors = Iterator[FieldError]
ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
VOLUME_MODES = ("Filesystem", "Block")
STORAGE = "storage"
# Fields of a PersistentVolume's spec that are not the place where its data lies.
NO_SOURCES = frozenset({
    "access_modes", "capacity", "claim_ref", "persistent_volume_reclaim_policy", "storage_class_name", "volume_mode",
    "mount_options", "node_affinity", "volume_attributes_class_name",
})  # fmt: skip


def check_claim(claim: PersistentVolumeClaim) -> Errors:
    """Everything wrong with a PersistentVolumeClaim by itself."""
    return check_claim_spec(claim.spec, "spec")


def check_claim_spec(spec: PersistentVolumeClaimSpec, at: str) -> Errors:
    """Everything wrong with the spec of a claim; `at` is its path."""
    yield from _access_modes(spec.access_modes, at)
    if STORAGE not in spec.resources.requests:
        yield required(f"{at}.resources[{STORAGE}]", "is missing")
    yield from _amounts(spec.resources.requests, f"{at}.resources.requests")
    yield from none_of(spec.volume_mode, VOLUME_MODES, f"{at}.volumeMode")
    if spec.storage_class_name and (wrong := wrong_subdomain(spec.storage_class_name)):
        yield FieldError(f"{at}.storageClassName", wrong)


def check_claim_update(old: PersistentVolumeClaim, new: PersistentVolumeClaim) -> Errors:
    """Of a claim's spec only the requested size of a bound claim changes, and that only grows.

    An empty volumeName or storageClassName is filled when the claim is bound.
    """
    before, after = old.spec, new.spec
    if not before.volume_name:
        before = replace(before, volume_name=after.volume_name)
    if before.storage_class_name is None:
        before = replace(before, storage_class_name=after.storage_class_name)
    bound = old.status.phase == "Bound"
    # What differs in anything but the request may not differ at all.
    same_size = (
        replace(before, resources=VolumeResourceRequirements()),
        replace(after, resources=VolumeResourceRequirements()),
    )
    if same_size[0] != same_size[1] or (before.resources != after.resources and not bound):
        yield forbidden("spec", "cannot be changed, except for resources.requests of a bound claim")
    elif bound and _storage(after.resources.requests) < _storage(before.resources.requests):
        yield forbidden("spec.resources.requests.storage", "cannot be less than the volume has already")


def check_volume(volume: PersistentVolume) -> Errors:
    """Everything wrong with a PersistentVolume by itself."""
    spec = volume.spec
    yield from _access_modes(spec.access_modes, "spec")
    if STORAGE not in spec.capacity:
        yield required("spec.capacity", "is missing; give storage")
    yield from _amounts(spec.capacity, "spec.capacity")
    yield from none_of(spec.volume_mode, VOLUME_MODES, "spec.volumeMode")
    policies = ("Delete", "Recycle", "Retain")
    yield from none_of(spec.persistent_volume_reclaim_policy, policies, "spec.persistentVolumeReclaimPolicy")
    sources = [name for name in spec.__struct_fields__ if name not in NO_SOURCES and getattr(spec, name) is not None]
    if not sources:
        yield FieldError("spec", "needs a source, such as hostPath")
    elif len(sources) > 1:
        yield FieldError(f"spec.{sources[1]}", "is a second source; a volume has exactly one")
    for name, path in (
        ("hostPath", spec.host_path.path if spec.host_path else None),
        ("local", spec.local.path if spec.local else None),
    ):
        if path is not None and ".." in path.split("/"):
            yield FieldError(f"spec.{name}.path", f'"{path[:80]}" contains ".."')


def check_volume_update(old: PersistentVolume, new: PersistentVolume) -> Errors:
    """The place of the data stays."""
    for name in old.spec.__struct_fields__:
        if name not in NO_SOURCES and getattr(old.spec, name) != getattr(new.spec, name):
            yield forbidden("spec.persistentvolumesource", "cannot be changed after creation")
            return
    if old.spec.volume_mode != new.spec.volume_mode:
        yield FieldError("spec.volumeMode", "cannot be changed")


def check_storage_class(storage_class: StorageClass) -> Errors:
    """Everything wrong with a StorageClass by itself."""
    if not storage_class.provisioner:
        yield required("provisioner", "is missing")
    yield from none_of(storage_class.reclaim_policy, ("Delete", "Retain"), "reclaimPolicy")
    yield from none_of(storage_class.volume_binding_mode, ("Immediate", "WaitForFirstConsumer"), "volumeBindingMode")


def check_storage_class_update(old: StorageClass, new: StorageClass) -> Errors:
    """What volumes were provisioned by stays."""
    for name in ("provisioner", "parameters", "reclaim_policy", "volume_binding_mode"):
        if getattr(old, name) != getattr(new, name):
            first, *rest = name.split("_")
            yield forbidden(first + "".join(map(str.title, rest)), "cannot be changed; create another StorageClass")


def _access_modes(modes: list[str], at: str) -> Errors:
    if not modes:
        yield required(f"{at}.accessModes", "is missing; give at least one")
    for mode in modes:
        yield from none_of(mode, ACCESS_MODES, f"{at}.accessModes")
    if "ReadWriteOncePod" in modes and len(modes) > 1:
        yield FieldError(f"{at}.accessModes", "ReadWriteOncePod cannot be combined with other modes")


def _amounts(amounts: Mapping[str, Quantity], at: str) -> Errors:
    for name, amount in amounts.items():
        try:
            if quantity(amount) <= 0 and name == STORAGE:
                yield FieldError(f"{at}[{name}]", f"{amount} is not above 0")
        except ValueError as error:
            yield FieldError(f"{at}[{name}]", str(error))


def _storage(amounts: Mapping[str, Quantity]) -> float:
    return quantity(amounts.get(STORAGE, 0))
