"""PATCH on objects: merge patch, JSON patch, strategic merge patch, and server-side apply."""

from collections.abc import Callable
from typing import Any

from mesh.api.objects import managed
from mesh.api.objects.admission import ProposedObject
from mesh.api.objects.merging import STRATEGIC as KUBERNETES_GROUPS
from mesh.api.objects.merging import json_patch, list_key, list_key_of, merge_patch, strategic_patch
from mesh.api.objects.paths import Target
from mesh.api.objects.reading import require, shown
from mesh.api.objects.request_bodies import body_of_target, one_document, resource_version
from mesh.api.objects.storing import Storing, field_manager, stale
from mesh.api.objects.updating import Updating
from mesh.api.transport.http import Reply, Request
from mesh.api.transport.status_errors import Problem, Unreadable, invalid, invalid_options, unreadable_patch
from mesh.resources.values.body import Body
from mesh.resources.values.problems import FieldError
from mesh.store import Store, Stored, timestamp

MERGE, JSON, STRATEGIC, APPLY = (
    "application/merge-patch+json",
    "application/json-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
)
# What a patch or an applied object of the wrong shape raises somewhere on the way.
MALFORMED = (TypeError, AttributeError, KeyError, RecursionError)


class Patching:
    """Changes objects of one store by what a patch says."""

    def __init__(self, store: Store, storing: Storing, updating: Updating) -> None:
        self._store = store
        self._storing = storing
        self._updating = updating

    async def patch(self, target: Target, request: Request) -> Reply:
        """Raises Problem (400, 404, 409, 415, 422)."""
        if _content_type(request) == APPLY:
            return await self._server_side_apply(target, request)
        apply, patch = await patch_of(request, target)
        old = require(self._store, target)
        try:
            body = body_of_target(apply(shown(old, target), patch), target)
        except MALFORMED as error:
            raise Problem(400, f"the patch is malformed: {error}") from None
        except Unreadable as problem:
            raise unreadable_patch(problem) from None
        require_uid(target, old, body)
        version = resource_version(body["metadata"].get("resourceVersion"))
        if version is not None and version != old.version:
            raise stale(target)
        if body["metadata"].get("name") != target.name:
            raise Problem(400, f"metadata.name of {target.ref} cannot be changed")
        try:
            return self._updating.replace(target, old, body, request)
        except Unreadable as problem:
            raise unreadable_patch(problem) from None

    async def _server_side_apply(self, target: Target, request: Request) -> Reply:
        """Creates the object when there is none. Raises Problem (400, 409, 415, 422)."""
        manager = request.query.get("fieldManager", "")
        if not manager:
            why = "Required value: is required for apply patch"
            raise invalid_options("PatchOptions", "fieldManager", "FieldValueRequired", why)
        field_manager(request)
        document = one_document(await request.body())
        for name in ("apiVersion", "kind"):
            if not document.get(name):
                raise Problem(400, f"{name}: is missing; what is applied says what it is")
        body = body_of_target(document, target)
        if body["metadata"].get("managedFields"):
            raise Problem(400, "metadata.managedFields: must be nil in what is applied")
        if body["metadata"].setdefault("name", target.name) != target.name:
            raise Problem(400, f"metadata.name: is not that of the path ({target.name})")
        old = require(self._store, target) if target.subresource else self._store.get(target.ref)
        if old is not None:
            require_uid(target, old, body)
        key_of = list_key_of(target.definition, target.version)
        body["metadata"].pop("creationTimestamp", None)
        live = shown(old, target) if old is not None else None
        try:
            applied = managed.apply(
                live, body, manager, timestamp(), key_of, force=request.flag("force"), subresource=target.subresource
            )
        except MALFORMED as error:
            raise Problem(400, f"what is applied is malformed: {error}") from None
        if old is not None and target.subresource:
            return self._updating.replace(target, old, applied.body, request, applied.owners)
        proposed = ProposedObject(applied.body, old, old.version if old is not None else 0)
        code = 200 if old is not None else 201
        return self._storing.write(target, proposed, lambda _: applied.owners, request, code=code)


def require_uid(target: Target, old: Stored, body: Body) -> None:
    """Raises Problem (422) when a body has another uid than the object."""
    uid = body["metadata"].get("uid") or old.uid
    if uid != old.uid:
        error = FieldError("metadata.uid", f'Invalid value: "{uid}": field is immutable')
        raise invalid(target.ref, [error])


async def patch_of(request: Request, target: Target) -> tuple[Callable[[Any, Any], Any], Any]:
    """How to apply a request's patch to an object, and the patch. Raises Problem (400, 415)."""
    apply = _patcher(_content_type(request), target)
    # The patch types are JSON, which the body's reader knows by this name only.
    request.headers["content-type"] = "application/json"
    return apply, await request.json()


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip()


def _patcher(content_type: str, target: Target) -> Callable[[Any, Any], Any]:
    # As on a cluster: strategic merge knows the lists of Kubernetes' own kinds, not those of custom resources.
    strategic = target.definition.group in KUBERNETES_GROUPS
    if content_type == MERGE:
        return merge_patch
    if content_type == JSON:
        return json_patch
    if content_type == STRATEGIC and strategic:
        key_of = list_key(target.definition.group, target.definition.kind)
        return lambda body, patch: strategic_patch(body, patch, key_of)
    accepted = [MERGE, JSON, *([STRATEGIC] if strategic else [])]
    raise Problem(415, f'the patch is "{content_type}"; {target.definition.kind} takes {", ".join(accepted)}')
