"""The one way in: every object that a user writes comes through here before it is stored.

Validated and given its defaults, held against the object that it replaces and against everything else that
there would be, completed with what only the server knows. All or nothing: a change is refused whole, with all
that is wrong with all its objects.

Rules are held to what they name only where a change touches them. An object that was written by its own
(kubectl writes one after the other) may name what comes with a later one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from mesh.api.interfaces import Allocator
from mesh.api.objects.node_ports import NodePorts
from mesh.api.objects.served import ServedKinds
from mesh.api.objects.services import ServiceFields
from mesh.api.settings import ApiSettings
from mesh.resources.analysis.branch_references import Surroundings, check_branches
from mesh.resources.analysis.finding import Finding
from mesh.resources.analysis.references import check_references
from mesh.resources.custom.definitions import check_change, is_definition
from mesh.resources.custom.untyped import Untyped
from mesh.resources.kinds import REGISTRY
from mesh.resources.meshmall.branch import Branch, BranchSpec, entry_keys
from mesh.resources.registry import Registry
from mesh.resources.validation.manifest import Identity, Validated, validate
from mesh.resources.values.body import Body
from mesh.resources.values.meta import Resource
from mesh.resources.values.problems import FieldError, Invalid
from mesh.resources.values.ref import NAMESPACE, SERVICE, Ref
from mesh.store import Put, Store, Stored

CROSS_CHECKED = frozenset(definition.group_kind for definition in REGISTRY.cross_checked_kinds())
NAMED_BY_BRANCHES = REGISTRY.by_type(Branch).references
MOST_REMEMBERED = 10_000
NAMESPACE_LABEL = "kubernetes.io/metadata.name"
LEFT_OUT = ("uid", "resourceVersion", "creationTimestamp", "generation", "selfLink", "managedFields")


class Wanted(NamedTuple):
    """An object to be written over `old` (None: to be new). `if_version` as in `store.Put`.

    `identity` spares a second look at what the caller has identified already.
    """

    body: Body
    old: Stored | None = None
    if_version: int | None = None
    identity: Identity | None = None


class NoNamespace(Exception):
    """A namespace is not there, or is being deleted (`ending`)."""

    def __init__(self, name: str, *, ending: bool) -> None:
        super().__init__(name)
        self.name = name
        self.ending = ending


class Refused(Exception):
    """All that is wrong with a change: the number of the object in it, and the error."""

    def __init__(self, errors: Sequence[tuple[int, FieldError]]) -> None:
        super().__init__("; ".join(str(error) for _, error in errors))
        self.errors = tuple(errors)


@dataclass(slots=True)
class Admitted:
    """What may be stored, in the order asked, and what the user should hear (number of the object, text)."""

    puts: list[Put] = field(default_factory=list)
    warnings: list[tuple[int, str]] = field(default_factory=list)


class Admission:
    """Decides about writes to one store."""

    def __init__(self, store: Store, settings: ApiSettings, allocator: Allocator) -> None:
        self._store = store
        self.node_ports = NodePorts(settings.node_address, settings.node_ports)
        self._kinds = ServedKinds(store)
        self._services = ServiceFields(allocator, self.node_ports)
        self._ways: dict[tuple[str, str], tuple[BranchSpec, Mapping[str, str]]] = {}

    def admit(
        self, wanted: Sequence[Wanted], namespace: str, *, together: bool, registry: Registry | None = None
    ) -> Admitted:
        """Works out what to store. `together`: the change is complete in itself, nothing comes later.

        `registry`: the kinds there are once the change is made, if the caller knows them.

        Raises Refused, or NoNamespace when an object's namespace neither is nor comes with the change.
        """
        admitted = Admitted()
        errors: list[tuple[int, FieldError]] = []
        valid: list[Validated] = []
        if registry is None:
            registry = self._kinds.with_definitions([each.body for each in wanted])
        for number, each in enumerate(wanted):
            try:
                found = validate(_cleaned(each, registry), namespace, registry, each.identity)
            except Invalid as error:
                errors += [(number, wrong) for wrong in error.errors]
                continue
            errors += [(number, wrong) for wrong in _replaced(found, each.old)]
            admitted.warnings += [(number, text) for text in found.warnings]
            admitted.puts.append(Put(found.ref, _complete(found, each.old), each.if_version))
            valid.append(found)
        if not errors:
            errors += _twice(admitted.puts)
        if not errors:
            self._require_namespaces(admitted.puts)
            errors += self._fill(wanted, admitted.puts)
        if not errors:
            errors += self._refer(valid, admitted, together=together)
        if errors:
            raise Refused(errors)
        return admitted

    def _require_namespaces(self, puts: Iterable[Put]) -> None:
        """An object goes into a namespace that is there or comes with it."""
        coming = {put.ref.name for put in puts if put.ref.group_kind == NAMESPACE}
        for name in sorted({put.ref.namespace for put in puts if put.ref.namespace} - coming):
            there = self._store.get(Ref("", "Namespace", "", name))
            if there is None:
                raise NoNamespace(name, ending=False)
            new = any(put.ref.namespace == name and self._store.get(put.ref) is None for put in puts)
            if new and there.metadata.get("deletionTimestamp"):
                raise NoNamespace(name, ending=True)

    def _fill(self, wanted: Sequence[Wanted], puts: Sequence[Put]) -> list[tuple[int, FieldError]]:
        """Completes Services one after the other, each seeing those before it."""
        numbered = [(number, put) for number, put in enumerate(puts) if put.ref.group_kind == SERVICE]
        if not numbered:
            return []
        bodies = {each.ref: each.body for each in self._store.list("", "Service")}
        bodies.update({put.ref: put.body for _, put in numbered})
        errors = []
        for number, put in numbered:
            old = wanted[number].old
            others = [body for ref, body in bodies.items() if ref != put.ref]
            found = self._services.fill(put.ref, put.body, old.body if old else None, others)
            errors += [(number, error) for error in found]
        return errors

    def _refer(self, valid: Sequence[Validated], admitted: Admitted, *, together: bool) -> list[tuple[int, FieldError]]:
        """Holds rules against what there would be; what was wrong before the change does not refuse it."""
        numbers = {each.ref: number for number, each in enumerate(valid)}
        valid = [each for each in valid if each.info.type is not Untyped]
        if errors := self._refer_branches(valid, numbers):
            return errors
        changed = {each.ref: each.typed for each in valid if each.ref.group_kind in CROSS_CHECKED}
        if not changed:
            return []
        present = {stored.ref: stored.typed for group_kind in CROSS_CHECKED for stored in self._store.list(*group_kind)}
        after = {**present, **changed}
        known = {_said(finding) for finding in check_references(present.values())}
        errors = []
        for finding in check_references(after.values()):
            ref = finding.error.ref
            number = numbers.get(ref) if ref else None
            if number is None and _said(finding) in known:
                continue
            if finding.severity == "error" and (together or not finding.may_come):
                errors.append((0 if number is None else number, finding.error))
            else:
                admitted.warnings.append((0 if number is None else number, str(finding.error)))
        return errors

    def _entry_keys(self, branch: Branch) -> Mapping[str, str]:
        """The ways into a branch, remembered: a thousand of them are compared at every write of one."""
        key = (branch.metadata.namespace, branch.metadata.name)
        held = self._ways.get(key)
        if len(self._ways) > MOST_REMEMBERED:
            self._ways.clear()
        if held is None or held[0] is not branch.spec:
            held = self._ways[key] = (branch.spec, entry_keys(branch))
        return held[1]

    def _refer_branches(self, valid: Sequence[Validated], numbers: Mapping[Ref, int]) -> list[tuple[int, FieldError]]:
        """Holds the branches of a change against all that there would be."""
        branches = [each.typed for each in valid if isinstance(each.typed, Branch)]
        if not branches:
            return []
        after: dict[Ref, Resource] = {
            stored.ref: stored.typed
            for group_kind in NAMED_BY_BRANCHES
            for stored in self._store.list(*group_kind)
            if not stored.metadata.get("deletionTimestamp")
        }
        after.update({each.ref: each.typed for each in valid if each.ref.group_kind in NAMED_BY_BRANCHES})
        found = check_branches(branches, Surroundings.of(after.values()), self._entry_keys)
        return [(numbers[error.ref] if error.ref else 0, error) for error in found]


def _said(finding: Finding) -> str:
    return f"{finding.severity} {finding.error}"


def _cleaned(wanted: Wanted, registry: Registry) -> Body:
    """The body without what is the server's to say."""
    if not isinstance(wanted.body, dict) or not isinstance(wanted.body.get("metadata"), dict):
        return wanted.body
    left_out = LEFT_OUT if wanted.old else (*LEFT_OUT, "deletionTimestamp", "deletionGracePeriodSeconds")
    metadata = {name: value for name, value in wanted.body["metadata"].items() if name not in left_out}
    return {
        **{name: value for name, value in wanted.body.items() if name != "status" or _says_status(wanted, registry)},
        "metadata": metadata,
    }


def _says_status(wanted: Wanted, registry: Registry) -> bool:
    """Whether `status` is the writer's, as in a user's kind that has no subresource of that name."""
    group = str(wanted.body.get("apiVersion")).rpartition("/")[0]
    info = registry.by_kind(group, str(wanted.body.get("kind")))
    return info is not None and info.custom is not None and not info.custom.has_status


def _complete(found: Validated, old: Stored | None) -> Body:
    """The validated body, with the status and the marks that a user's write does not change."""
    body = found.body
    custom = found.info.custom
    if custom is not None and not custom.has_status:
        return _marked(body, old)
    if is_definition(body):
        return _marked(body, old)
    body.pop("status", None)
    if found.ref.group_kind == NAMESPACE:
        labels = body["metadata"].get("labels") or {}
        body["metadata"]["labels"] = {**labels, NAMESPACE_LABEL: found.ref.name}
        body["status"] = {"phase": "Active"}
    if old is not None and "status" in old.body:
        body["status"] = old.body["status"]
    return _marked(body, old)


def _marked(body: Body, old: Stored | None) -> Body:
    """The body with the marks of a deletion that is under way."""
    if old is not None:
        for name in ("deletionTimestamp", "deletionGracePeriodSeconds", "managedFields"):
            body["metadata"].pop(name, None)
            if name in old.metadata:
                body["metadata"][name] = old.metadata[name]
    return body


def _replaced(found: Validated, old: Stored | None) -> list[FieldError]:
    if old is None:
        return []
    if is_definition(found.body):
        changed = check_change(old.body, found.body)
        return [FieldError(wrong.path, wrong.message, found.ref) for wrong in changed]
    if found.info.type is Untyped:
        return []
    return [
        FieldError(wrong.path, wrong.message, found.ref) for wrong in found.info.check_update(old.typed, found.typed)
    ]


def _twice(puts: Sequence[Put]) -> list[tuple[int, FieldError]]:
    seen: set[Ref] = set()
    errors = []
    for number, put in enumerate(puts):
        if put.ref in seen:
            errors.append((number, FieldError("metadata.name", "duplicate object in this change", put.ref)))
        seen.add(put.ref)
    return errors
