"""What can be wrong in the metadata of an object of any kind: Kubernetes' rules for ObjectMeta."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mesh.resources.kind_definition import KindDefinition
from mesh.resources.values.meta import ObjectMeta, OwnerReference
from mesh.resources.values.names import wrong_label, wrong_labels, wrong_subdomain
from mesh.resources.values.problems import FieldError, Reason, forbidden, required

LARGEST_ANNOTATIONS = 256 << 10
# Finalizers without a domain; all others belong to somebody whose domain they begin with.
STANDARD_FINALIZERS = ("kubernetes", "orphan", "foregroundDeletion")
Errors = Iterator[FieldError]


def check_metadata(definition: KindDefinition, metadata: ObjectMeta) -> list[FieldError]:
    """Everything wrong with an object's metadata."""
    return [
        *_names(definition, metadata),
        *label_errors(metadata.labels, "metadata.labels"),
        *_annotations(metadata),
        *_finalizers(definition, metadata.finalizers),
        *_owners(metadata.owner_references),
    ]


def check_finalizers_of_deleted(old: Mapping[str, Any], new: ObjectMeta) -> Errors:
    """A finalizer that comes too late: whoever adds one to an object that is being deleted would never see it end.

    `old` is the metadata that is stored.
    """
    added = [name for name in new.finalizers if name not in (old.get("finalizers") or ())]
    if old.get("deletionTimestamp") and added:
        why = f"the object is being deleted, and takes no new finalizers: {', '.join(added)}"
        yield forbidden("metadata.finalizers", why)


def label_errors(labels: dict[str, str], path: str) -> Errors:
    """An error for each label that is not one. Kubernetes names the map, not the key; so do we, and the key as well."""
    return (FieldError(path, why) for _, why in wrong_labels(labels))


def _names(definition: KindDefinition, metadata: ObjectMeta) -> Errors:
    if not metadata.name and not metadata.generate_name:
        yield required("metadata.name", "is missing, and so is generateName")
    elif metadata.name and (wrong := definition.wrong_name(metadata.name)):
        yield FieldError("metadata.name", wrong)
    if metadata.generate_name and (wrong := wrong_subdomain(metadata.generate_name.rstrip("-."))):
        yield FieldError("metadata.generateName", wrong)
    if definition.namespaced and (wrong := wrong_label(metadata.namespace)):
        yield FieldError("metadata.namespace", wrong)


def _annotations(metadata: ObjectMeta) -> Errors:
    for key, _ in wrong_labels(dict.fromkeys(metadata.annotations, "")):
        yield FieldError("metadata.annotations", f'"{key[:80]}" is not an annotation\'s name')
    size = sum(len(key) + len(value) for key, value in metadata.annotations.items())
    if size > LARGEST_ANNOTATIONS:
        message = f"{size} characters; at most {LARGEST_ANNOTATIONS}"
        yield FieldError("metadata.annotations", message, reason=Reason.TOO_LONG)


def _finalizers(definition: KindDefinition, finalizers: Sequence[str]) -> Errors:
    for number, name in enumerate(finalizers):
        path = f"metadata.finalizers[{number}]"
        if wrong_labels({name: ""}):
            yield FieldError(path, f'"{name[:80]}" is not a finalizer (for example, example.com/cleanup)')
        elif definition.built_in and "/" not in name and name not in STANDARD_FINALIZERS:
            standard = ", ".join(STANDARD_FINALIZERS)
            yield FieldError(path, f'"{name}" needs a domain (example.com/{name}); those without are {standard}')


def _owners(owners: Sequence[OwnerReference]) -> Errors:
    controllers = [f"{owner.kind} {owner.name}" for owner in owners if owner.controller]
    if len(controllers) > 1:
        yield FieldError("metadata.ownerReferences", f"{' and '.join(controllers)} are controllers; only one can be")
