"""pods/NAME/ephemeralcontainers: adds containers to a pod that runs (`kubectl debug`)."""

from collections.abc import Iterator
from typing import Any

from mesh.api.objects.patching import MALFORMED, patch_of
from mesh.api.objects.paths import Target
from mesh.api.objects.reading import require, shown
from mesh.api.objects.request_bodies import body_of_target, resource_version
from mesh.api.objects.storing import Storing, stale
from mesh.api.transport.http import Reply, Request
from mesh.api.transport.status_errors import Problem, invalid
from mesh.resources.validation.manifest import validate
from mesh.resources.values.body import Body
from mesh.resources.values.problems import FieldError, Invalid, forbidden
from mesh.store import Put, Store, Stored

FIELD = "ephemeralContainers"
TARGET = "targetContainerName"
# A container that is not restarted, and that no Service sends anything to, has no use for these.
UNUSED = ("ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "resources", "restartPolicy")


class EphemeralContainers:
    """Changes this one list of a pod's spec, and nothing else of it."""

    def __init__(self, store: Store, storing: Storing) -> None:
        self._store = store
        self._storing = storing

    async def update(self, target: Target, request: Request) -> Reply:
        """PUT or PATCH. Raises Problem (400, 404, 409, 415, 422)."""
        old = require(self._store, target)
        if request.method == "PATCH":
            apply, patch = await patch_of(request, target)
            try:
                document = apply(shown(old, target), patch)
            except MALFORMED as error:
                raise Problem(400, f"the patch is malformed: {error}") from None
        else:
            document = await request.json_object()
        body = body_of_target(document, target)
        version = resource_version(body["metadata"].get("resourceVersion"))
        if version is not None and version != old.version:
            raise stale(target)
        spec = body.get("spec")
        desired = spec.get(FIELD) if isinstance(spec, dict) else None
        try:
            complete = _completed(old, desired or [])
        except Invalid as error:
            raise invalid(target.ref, error.errors) from None
        changed = {**old.body, "spec": {**old.body["spec"], FIELD: complete}}
        return self._storing.put(target, Put(target.ref, changed, old.version), dry_run=request.dry_run)


def _completed(old: Stored, desired: Any) -> list[Body]:
    """The list to store, with defaults. Raises Invalid: what is there stays, what is new must be a container."""
    if not isinstance(desired, list) or not all(isinstance(entry, dict) for entry in desired):
        raise Invalid([FieldError(f"spec.{FIELD}", "is not a list of containers")])
    former = {str(entry["name"]): entry for entry in old.body["spec"].get(FIELD) or ()}
    errors = list(_changes(former, desired))
    new = [entry for entry in desired if entry.get("name") not in former]
    containers = old.body["spec"]["containers"]
    for number, entry in enumerate(new):
        errors += [
            forbidden(f"spec.{FIELD}[{len(former) + number}].{name}", "cannot be used in an ephemeral container")
            for name in UNUSED
            if entry.get(name)
        ]
    if errors:
        raise Invalid(errors)
    # What a container may be, and its defaults, are checked where all containers are.
    plain = [{name: value for name, value in entry.items() if name != TARGET} for entry in new]
    names = ("name", "namespace", "labels")
    metadata = {name: old.metadata[name] for name in names if name in old.metadata}
    probe = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {
            **{name: value for name, value in old.body["spec"].items() if name != FIELD},
            "containers": [*containers, *former_as_plain(former), *plain],
        },
    }
    try:
        filled = validate(probe).body["spec"]["containers"][len(containers) + len(former) :]
    except Invalid as error:
        raise Invalid([_moved(problem, len(containers)) for problem in error.errors]) from None
    fresh = [
        {**container, **({TARGET: entry[TARGET]} if entry.get(TARGET) else {})}
        for container, entry in zip(filled, new, strict=True)
    ]
    return [*former.values(), *fresh]


def former_as_plain(former: dict[str, Body]) -> Iterator[Body]:
    """Those that are there already, as the check of containers knows them."""
    for entry in former.values():
        yield {name: value for name, value in entry.items() if name != TARGET}


def _changes(former: dict[str, Body], desired: list[Body]) -> Iterator[FieldError]:
    present = {str(entry.get("name")): entry for entry in desired}
    for name, entry in former.items():
        if name not in present:
            yield forbidden(f"spec.{FIELD}", f'existing ephemeral container "{name}" may not be removed')
        elif present[name] != entry:
            yield forbidden(f"spec.{FIELD}", f'existing ephemeral container "{name}" may not be changed')


def _moved(problem: FieldError, containers: int) -> FieldError:
    """The error at the place that the user knows: `spec.containers[2].name` is `spec.ephemeralContainers[1].name`."""
    head, _, rest = problem.path.partition("spec.containers[")
    number, bracket, tail = rest.partition("]")
    if head or not bracket or not number.isdigit() or int(number) < containers:
        return problem
    path = f"spec.{FIELD}[{int(number) - containers}]{tail}"
    return FieldError(path, problem.message, reason=problem.reason)
