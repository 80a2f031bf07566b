"""POST and PUT on objects: creating one, and replacing one or its status."""

import secrets
from collections.abc import Sequence

from mesh.api.objects import managed
from mesh.api.objects.admission import ProposedObject
from mesh.api.objects.merging import STRATEGIC as KUBERNETES_GROUPS
from mesh.api.objects.paths import Target
from mesh.api.objects.reading import require
from mesh.api.objects.request_bodies import body_of_target, resource_version, unknown_fields
from mesh.api.objects.storing import Owners, Storing, owners_after_update, stale
from mesh.api.transport.http import Reply, Request
from mesh.api.transport.status_errors import Problem, already_exists, conflict, refusal
from mesh.resources.validation.status import with_status
from mesh.resources.values.body import Body
from mesh.resources.values.problems import Invalid
from mesh.resources.values.ref import GroupKind
from mesh.store import Put, Store, Stored

# Kubernetes' alphabet for generated names: neither vowels nor digits that look like them, so that no word comes out.
# Two holders of a Lease may not overwrite each other unseen, as on a cluster.
CONDITIONAL = frozenset({GroupKind("coordination.k8s.io", "Lease")})
LONGEST_BASE = 58
LETTERS = "bcdfghjklmnpqrstvwxz2456789"


class Updating:
    """Creates and replaces objects of one store."""

    def __init__(self, store: Store, storing: Storing) -> None:
        self._store = store
        self._storing = storing

    async def create(self, target: Target, request: Request) -> Reply:
        """POST to a collection. Raises Problem (400, 404, 409, 422)."""
        body = body_of_target(await request.json_object(), target)
        metadata = body["metadata"]
        if metadata.get("resourceVersion"):
            raise Problem(400, "resourceVersion should not be set on objects to be created")
        if not metadata.get("name") and metadata.get("generateName"):
            suffix = "".join(secrets.choice(LETTERS) for _ in range(5))
            # Shortened as in Kubernetes, so that the name also fits a label.
            body = {**body, "metadata": {**metadata, "name": f"{metadata['generateName'][:LONGEST_BASE]}{suffix}"}}
        name = body["metadata"].get("name")
        target = target._replace(name=name if isinstance(name, str) else "")
        if target.name and self._store.get(target.ref):
            raise already_exists(target.definition, target.ref)
        owners = owners_after_update(target, None, request)
        return self._storing.write(target, ProposedObject(body, None, 0), owners, request, code=201)

    async def update(self, target: Target, request: Request) -> Reply:
        """PUT of an object or its status. Raises Problem (400, 404, 409, 422)."""
        body = body_of_target(await request.json_object(), target)
        old = require(self._store, target)
        metadata = body["metadata"]
        if metadata.get("uid") and metadata["uid"] != old.uid:
            raise conflict(target.definition, target.ref, "the uid in the object is that of another one")
        if metadata.get("name", target.name) != target.name:
            raise Problem(400, f"the name of the object ({metadata['name']}) is not that of the path")
        version = resource_version(metadata.get("resourceVersion"))
        if version is None and (
            target.definition.group not in KUBERNETES_GROUPS or target.ref.group_kind in CONDITIONAL
        ):
            raise _without_version(target)
        if version is not None and version != old.version:
            raise stale(target)
        return self.replace(target, old, body, request)

    def replace(
        self, target: Target, old: Stored, body: Body, request: Request, applied: Sequence[managed.Owner] = ()
    ) -> Reply:
        """Stores `body` over `old`, or its status only; then `applied` are the owners after a server-side apply.

        Raises Problem (400, 404, 409, 422).
        """
        if target.subresource == "status":
            try:
                changed, warnings = with_status(
                    target.ref, target.definition, old.body, body.get("status"), unknown_fields(request)
                )
            except Invalid as error:
                raise refusal(target.definition, target.ref, target.version, error.errors) from None
            if applied:
                metadata = {**changed["metadata"], "managedFields": managed.as_managed_fields(applied)}
                changed = {**changed, "metadata": metadata}
            return self._storing.put(target, Put(target.ref, changed, old.version), warnings, dry_run=request.dry_run)
        owners = _owners_of_body(body, old) or owners_after_update(target, old, request)
        return self._storing.write(target, ProposedObject(body, old, old.version), owners, request)


def _without_version(target: Target) -> Problem:
    """422: what is a custom resource on a cluster is only replaced by who has seen it."""
    definition = target.definition
    why = "Invalid value: 0: must be specified for an update"
    return Problem(
        422,
        f'{definition.plural}.{definition.group} "{target.name}" is invalid: metadata.resourceVersion: {why}',
        ref=target.ref,
        plural=definition.plural,
        causes=[{"reason": "FieldValueInvalid", "message": why, "field": "metadata.resourceVersion"}],
    )


def _owners_of_body(body: Body, old: Stored) -> Owners | None:
    """The owners that a write gives itself, as kubectl does when it moves to server-side apply; None when it does not.

    Raises Problem (400) when they are malformed.
    """
    given = body["metadata"].get("managedFields")
    if given is None or given == old.metadata.get("managedFields"):
        return None
    try:
        owners = managed.owners_of(body)
    except (TypeError, AttributeError, KeyError):
        raise Problem(400, "metadata.managedFields: is malformed") from None
    return lambda _: owners
