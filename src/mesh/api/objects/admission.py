"""Admission: every object that a user writes passes here before it is stored.

It is validated, given its defaults, compared with the object that it replaces and with everything else that would
exist, and completed with what only the server knows. All or nothing: a change is rejected as one, with every problem of
every object in it.

References are checked only where a change touches them. An object that is written alone (kubectl writes one after the
other) may name an object that comes later.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from mesh.api.interfaces import Allocator
from mesh.api.objects.node_ports import NodePorts
from mesh.api.objects.pod_admission import PodAdmission
from mesh.api.objects.served import ServedKinds
from mesh.api.objects.services import ServiceFields
from mesh.api.settings import ApiSettings
from mesh.pods.pod_status import qos_class
from mesh.resources.analysis.branch_references import Surroundings, check_branches
from mesh.resources.analysis.finding import NUMBERS, Finding
from mesh.resources.analysis.references import check_references
from mesh.resources.analysis.rule_references import Secrets
from mesh.resources.core.config import Secret
from mesh.resources.core.deployment import DORMANT
from mesh.resources.core.pod import Pod
from mesh.resources.custom.definitions import check_change, is_definition
from mesh.resources.custom.untyped import Untyped
from mesh.resources.kinds import REGISTRY
from mesh.resources.meshmall.branch import Branch, BranchSpec, entry_keys
from mesh.resources.registry import Registry
from mesh.resources.validation.manifest import Identity, UnknownFields, Validated, validate
from mesh.resources.validation.metadata import check_finalizers_of_deleted
from mesh.resources.values.body import Body
from mesh.resources.values.meta import Resource
from mesh.resources.values.problems import FieldError, Invalid
from mesh.resources.values.ref import NAMESPACE, SERVICE, Ref
from mesh.store import Put, Store, Stored

CROSS_CHECKED = tuple(definition.group_kind for definition in REGISTRY.cross_checked_kinds())
NAMED_BY_BRANCHES = REGISTRY.by_type(Branch).references
MOST_CACHED = 10_000
# Of metadata, what only the server writes.
SERVER_METADATA = ("uid", "resourceVersion", "creationTimestamp", "generation", "selfLink", "managedFields")


class ProposedObject(NamedTuple):
    """An object to be written over `old` (None: it must be new). `if_version` as in `store.Put`.

    `identity`: what the caller has already identified it as.
    """

    body: Body
    old: Stored | None = None
    if_version: int | None = None
    identity: Identity | None = None
    unknown_fields: UnknownFields = UnknownFields.REJECTED


class NoNamespace(Exception):
    """A namespace does not exist, or is being deleted (`ending`)."""

    def __init__(self, name: str, *, ending: bool) -> None:
        super().__init__(name)
        self.name = name
        self.ending = ending


class Refused(Exception):
    """Every problem of a change: the position of the object in it, and the error."""

    def __init__(self, errors: Sequence[tuple[int, FieldError]]) -> None:
        super().__init__("; ".join(str(error) for _, error in errors))
        self.errors = tuple(errors)


@dataclass(slots=True)
class Admitted:
    """What may be stored, in the order of the change, and warnings (the position of the object, and the text)."""

    puts: list[Put] = field(default_factory=list)
    warnings: list[tuple[int, str]] = field(default_factory=list)


class Admission:
    """Decides about writes to one store."""

    def __init__(self, store: Store, settings: ApiSettings, allocator: Allocator) -> None:
        self._store = store
        self.node_ports = NodePorts(settings.node_address, settings.node_ports)
        self._kinds = ServedKinds(store)
        self._services = ServiceFields(allocator, self.node_ports)
        self._pods = PodAdmission(store)
        self._entry_keys_of: dict[tuple[str, str], tuple[BranchSpec, Mapping[str, str]]] = {}

    def admit(
        self, proposed: Sequence[ProposedObject], namespace: str, *, together: bool, registry: Registry | None = None
    ) -> Admitted:
        """Works out what to store. `together`: the change is complete in itself, nothing comes later.

        `registry` has the kinds that exist once the change is stored, if the caller knows them. Raises Refused, or
        NoNamespace when an object's namespace neither exists nor comes with the change.
        """
        admitted = Admitted()
        errors: list[tuple[int, FieldError]] = []
        valid: list[Validated] = []
        if registry is None:
            registry = self._kinds.with_definitions([item.body for item in proposed])
        coming = [identity.ref for item in proposed if (identity := item.identity)]
        for number, item in enumerate(proposed):
            # Before validation, as on a cluster.
            if item.old is None and (missing := list(self._pods.problems(item.body, namespace, coming))):
                errors += [(number, problem) for problem in missing]
                continue
            try:
                validated = validate(_cleaned(item, registry), namespace, registry, item.identity, item.unknown_fields)
            except Invalid as error:
                errors += [(number, problem) for problem in error.errors]
                continue
            errors += [(number, problem) for problem in self._forbidden_changes(validated, item.old)]
            admitted.warnings += [(number, text) for text in validated.warnings]
            admitted.puts.append(_put(validated, item))
            valid.append(validated)
        if not errors:
            errors += _duplicates(admitted.puts)
        if not errors:
            self._require_namespaces(admitted.puts)
            for item, put in zip(proposed, admitted.puts, strict=True):
                self._pods.complete(put, item.old, admitted.puts)
            errors += self._fill(proposed, admitted.puts)
        if not errors:
            errors += self._check_references(valid, admitted, together=together)
        if errors:
            raise Refused(errors)
        return admitted

    def _forbidden_changes(self, validated: Validated, old: Stored | None) -> list[FieldError]:
        """Fields that may not change once an object exists, or may not be set before it does."""
        if old is None:
            return [problem.of(validated.ref) for problem in validated.definition.check_creation(validated.typed)]
        marked = validated.typed.metadata.deletion_timestamp
        if marked is not None and marked != old.metadata.get("deletionTimestamp"):
            return [FieldError("metadata.deletionTimestamp", "cannot be set; delete the object", validated.ref)]
        if late := list(check_finalizers_of_deleted(old.metadata, validated.typed.metadata)):
            return [problem.of(validated.ref) for problem in late]
        if is_definition(validated.body):
            problems = check_change(old.body, validated.body)
        elif validated.definition.type is Untyped:
            problems = list(validated.definition.check_body_update(old.body, validated.body))
        else:
            before = self._store.typed(old)
            # What no longer fits its kind cannot be compared; replacing it is the way to repair it.
            problems = list(validated.definition.check_update(before, validated.typed)) if before is not None else []
        return [problem.of(validated.ref) for problem in problems]

    def _require_namespaces(self, puts: Iterable[Put]) -> None:
        """An object needs a namespace that exists or comes with it."""
        coming = {put.ref.name for put in puts if put.ref.group_kind == NAMESPACE}
        for name in sorted({put.ref.namespace for put in puts if put.ref.namespace} - coming):
            stored = self._store.get(Ref("", "Namespace", "", name))
            if stored is None:
                raise NoNamespace(name, ending=False)
            new = any(put.ref.namespace == name and self._store.get(put.ref) is None for put in puts)
            if new and stored.metadata.get("deletionTimestamp"):
                raise NoNamespace(name, ending=True)

    def _fill(self, proposed: Sequence[ProposedObject], puts: Sequence[Put]) -> list[tuple[int, FieldError]]:
        """Completes Services one after the other, since each needs the ports and addresses of those before it."""
        numbered = [(number, put) for number, put in enumerate(puts) if put.ref.group_kind == SERVICE]
        if not numbered:
            return []
        bodies = {stored.ref: stored.body for stored in self._store.list("", "Service")}
        bodies.update({put.ref: put.body for _, put in numbered})
        errors = []
        for number, put in numbered:
            old = proposed[number].old
            others = [body for ref, body in bodies.items() if ref != put.ref]
            problems = self._services.fill(put.ref, put.body, old.body if old else None, others)
            errors += [(number, problem) for problem in problems]
        return errors

    def _check_references(
        self, valid: Sequence[Validated], admitted: Admitted, *, together: bool
    ) -> list[tuple[int, FieldError]]:
        """Checks rules against what would exist. A problem that was there before the change does not reject it."""
        numbers = {item.ref: number for number, item in enumerate(valid)}
        valid = [item for item in valid if item.definition.type is not Untyped]
        if errors := self._check_branches(valid, numbers):
            return errors
        changed = {item.ref: item.typed for item in valid if item.ref.group_kind in CROSS_CHECKED}
        if not changed:
            return []
        present: dict[Ref, Resource] = {
            stored.ref: typed
            for group_kind in CROSS_CHECKED
            for stored in self._store.list(*group_kind)
            if (typed := self._store.typed(stored)) is not None
        }
        after = {**present, **changed}
        secrets = Secrets.of(self._store.of(Secret), all_there=False)
        old_problems = {_text(finding) for finding in check_references(present.values(), secrets)}
        errors = []
        for finding in check_references(after.values(), secrets):
            ref = finding.error.ref
            number = numbers.get(ref) if ref else None
            if number is None and _text(finding) in old_problems:
                continue
            if finding.severity == "error" and (together or not finding.may_come):
                errors.append((0 if number is None else number, finding.error))
            else:
                code = f" [{NUMBERS[finding.code]}]" if finding.code in NUMBERS else ""
                admitted.warnings.append((0 if number is None else number, f"{finding.error}{code}"))
        return errors

    def _entry_keys(self, branch: Branch) -> Mapping[str, str]:
        """A branch's entry keys, cached: those of a thousand branches are compared whenever one is written."""
        key = (branch.metadata.namespace, branch.metadata.name)
        cached = self._entry_keys_of.get(key)
        if len(self._entry_keys_of) > MOST_CACHED:
            self._entry_keys_of.clear()
        if cached is None or cached[0] is not branch.spec:
            cached = self._entry_keys_of[key] = (branch.spec, entry_keys(branch))
        return cached[1]

    def _check_branches(self, valid: Sequence[Validated], numbers: Mapping[Ref, int]) -> list[tuple[int, FieldError]]:
        """Checks the branches of a change against everything that would exist."""
        branches = [item.typed for item in valid if isinstance(item.typed, Branch)]
        if not branches:
            return []
        after: dict[Ref, Resource] = {
            stored.ref: typed
            for group_kind in NAMED_BY_BRANCHES
            for stored in self._store.list(*group_kind)
            if not stored.metadata.get("deletionTimestamp") and (typed := self._store.typed(stored)) is not None
        }
        after.update({item.ref: item.typed for item in valid if item.ref.group_kind in NAMED_BY_BRANCHES})
        problems = check_branches(branches, Surroundings.of(after.values()), self._entry_keys)
        return [(numbers[error.ref] if error.ref else 0, error) for error in problems]


def _text(finding: Finding) -> str:
    return f"{finding.severity} {finding.error}"


def _cleaned(proposed: ProposedObject, registry: Registry) -> Body:
    """The body without the fields that only the server sets."""
    if not isinstance(proposed.body, dict) or not isinstance(proposed.body.get("metadata"), dict):
        return proposed.body
    left_out = (
        SERVER_METADATA if proposed.old else (*SERVER_METADATA, "deletionTimestamp", "deletionGracePeriodSeconds")
    )
    metadata = {name: value for name, value in proposed.body["metadata"].items() if name not in left_out}
    if proposed.old is not None and (marked := proposed.old.metadata.get("deletionTimestamp")):
        # A manifest does not say it; the defaults of some kinds depend on it, and add no finalizers then.
        metadata.setdefault("deletionTimestamp", marked)
    if isinstance(annotations := metadata.get("annotations"), dict) and DORMANT in annotations:
        # Whoever writes a Deployment wants it to run.
        metadata["annotations"] = {name: value for name, value in annotations.items() if name != DORMANT}
    body = {
        **{
            name: value for name, value in proposed.body.items() if name != "status" or _owns_status(proposed, registry)
        },
        "metadata": metadata,
    }
    definition = registry.by_kind(proposed.old.ref.group, proposed.old.ref.kind) if proposed.old else None
    if proposed.old is not None and definition is not None and definition.prepare_update is not None:
        body = definition.prepare_update(proposed.old.body, body)
    return body


def _owns_status(proposed: ProposedObject, registry: Registry) -> bool:
    """Whether the writer sets `status`, as for a custom kind that has no subresource of that name."""
    group = str(proposed.body.get("apiVersion")).rpartition("/")[0]
    definition = registry.by_kind(group, str(proposed.body.get("kind")))
    return definition is not None and definition.custom is not None and not definition.custom.has_status


def _complete(validated: Validated, old: Stored | None) -> Body:
    """The validated body, with the status and the marks of a deletion, which a user's write does not change."""
    body = validated.body
    custom = validated.definition.custom
    if custom is not None and not custom.has_status:
        return _with_deletion_marks(body, old)
    if is_definition(body):
        return _with_deletion_marks(body, old)
    body.pop("status", None)
    if validated.ref.group_kind == NAMESPACE:
        body["status"] = {"phase": "Active"}
    if isinstance(validated.typed, Pod):
        body["status"] = {"phase": "Pending", "qosClass": qos_class(validated.typed)}
    if old is not None and "status" in old.body:
        body["status"] = old.body["status"]
    return _with_deletion_marks(body, old)


def _put(validated: Validated, item: ProposedObject) -> Put:
    """What to store for one object."""
    body = _complete(validated, item.old)
    complete = validated.definition.complete
    if complete is None:
        return Put(validated.ref, body, item.if_version)
    uid = item.old.uid if item.old is not None else str(uuid.uuid4())
    complete(body, uid)
    return Put(validated.ref, body, item.if_version, uid)


def _with_deletion_marks(body: Body, old: Stored | None) -> Body:
    """The body with the marks of a deletion that is in progress, and its owners so far."""
    if old is not None:
        for name in ("deletionTimestamp", "deletionGracePeriodSeconds", "managedFields"):
            body["metadata"].pop(name, None)
            if name in old.metadata:
                body["metadata"][name] = old.metadata[name]
    return body


def _duplicates(puts: Sequence[Put]) -> list[tuple[int, FieldError]]:
    seen: set[Ref] = set()
    errors = []
    for number, put in enumerate(puts):
        if put.ref in seen:
            errors.append((number, FieldError("metadata.name", "duplicate object in this change", put.ref)))
        seen.add(put.ref)
    return errors
