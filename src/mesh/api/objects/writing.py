"""POST, PUT, PATCH and DELETE on objects, as Kubernetes' API server answers them."""

import secrets
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from mesh.api.objects import managed
from mesh.api.objects.admission import Admission, NoNamespace, Refused, Wanted
from mesh.api.objects.merging import STRATEGIC as KUBERNETES_GROUPS
from mesh.api.objects.merging import json_patch, list_key, merge_patch, strategic_patch
from mesh.api.objects.paths import Target
from mesh.api.objects.reading import require, shown
from mesh.api.objects.selectors import selection
from mesh.api.transport.http import Reply, Request
from mesh.api.transport.status_errors import Problem, already_exists, conflict, invalid, not_found
from mesh.resources.validation.documents import documents
from mesh.resources.values.body import Body
from mesh.resources.values.problems import Invalid
from mesh.resources.values.ref import Ref
from mesh.store import Conflict, Exists, NotFound, Put, Store, Stored, timestamp
from mesh.store.cascade import removal

LETTERS = "bcdfghjklmnpqrstvwxz2456789"
MERGE, JSON, STRATEGIC, APPLY = (
    "application/merge-patch+json",
    "application/json-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
)


Owners = Callable[[Body], Sequence[managed.Owner]]


class Options(NamedTuple):
    """DeleteOptions (meta/v1), as far as they mean something here."""

    grace: int | None
    orphan: bool
    uid: str
    version: str
    dry_run: bool


class Writing:
    """Writes to one store, through admission."""

    def __init__(self, store: Store, admission: Admission) -> None:
        self._store = store
        self._admission = admission

    async def create(self, target: Target, request: Request) -> Reply:
        """POST to a collection. Raises Problem (400, 404, 409, 422)."""
        body = _of_target(await request.json_object(), target)
        metadata = body["metadata"]
        if metadata.get("resourceVersion"):
            raise Problem(400, "resourceVersion should not be set on objects to be created")
        if not metadata.get("name") and metadata.get("generateName"):
            suffix = "".join(secrets.choice(LETTERS) for _ in range(5))
            body = {**body, "metadata": {**metadata, "name": f"{metadata['generateName']}{suffix}"}}
        name = body["metadata"].get("name")
        target = target._replace(name=name if isinstance(name, str) else "")
        if target.name and self._store.get(target.ref):
            raise already_exists(target.info, target.ref)
        return self._write(target, Wanted(body, None, 0), _updated(target, None, request), request, code=201)

    async def update(self, target: Target, request: Request) -> Reply:
        """PUT of an object or its status. Raises Problem (400, 404, 409, 422)."""
        body = _of_target(await request.json_object(), target)
        old = require(self._store, target)
        metadata = body["metadata"]
        if metadata.get("uid") and metadata["uid"] != old.uid:
            raise conflict(target.info, target.ref, "the uid in the object is that of another one")
        if metadata.get("name", target.name) != target.name:
            raise Problem(400, f"the name of the object ({metadata['name']}) is not that of the path")
        version = _version(metadata.get("resourceVersion"))
        if version is not None and version != old.version:
            raise _stale(target)
        return self._replace(target, old, body, request)

    async def patch(self, target: Target, request: Request) -> Reply:
        """PATCH, in three of Kubernetes' kinds. Raises Problem (400, 404, 409, 415, 422)."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip()
        if kind == APPLY:
            return await self._server_side_apply(target, request)
        apply = _patcher(kind, target)
        request.headers["content-type"] = "application/json"
        patch = await request.json()
        old = require(self._store, target)
        try:
            body = _of_target(apply(shown(old, target), patch), target)
        except (TypeError, AttributeError, KeyError, RecursionError) as error:
            raise Problem(400, f"the patch is malformed: {error}") from None
        version = _version(body["metadata"].get("resourceVersion"))
        if version is not None and version != old.version:
            raise _stale(target)
        if body["metadata"].get("name") != target.name:
            raise Problem(400, f"metadata.name of {target.ref} cannot be changed")
        return self._replace(target, old, body, request)

    async def _server_side_apply(self, target: Target, request: Request) -> Reply:
        """PATCH by server-side apply; makes the object when it is not there. Raises Problem (400, 409, 422)."""
        manager = request.query.get("fieldManager", "")
        if not manager:
            raise Problem(400, "fieldManager: is missing; a server-side apply says who applies")
        given = _of_target(_one_document(await request.body()), target)
        if given["metadata"].get("managedFields"):
            raise Problem(400, "metadata.managedFields: must be nil in what is applied")
        if given["metadata"].get("name") != target.name:
            raise Problem(400, f"metadata.name: is not that of the path ({target.name})")
        old = self._store.get(target.ref)
        key_of = list_key(target.info.group, target.info.kind)
        given["metadata"].pop("creationTimestamp", None)
        live = shown(old, target) if old is not None else None
        force = request.flag("force")
        if target.subresource:
            raise Problem(415, f"{target.subresource}: takes no server-side apply; apply the object itself")
        try:
            applied = managed.apply(live, given, manager, timestamp(), key_of, force=force)
        except (TypeError, AttributeError, KeyError, RecursionError) as error:
            raise Problem(400, f"what is applied is malformed: {error}") from None
        wanted = Wanted(applied.body, old, old.version if old is not None else 0)
        return self._write(target, wanted, lambda _: applied.owners, request, code=200 if old is not None else 201)

    async def delete(self, target: Target, request: Request) -> Reply:
        """DELETE of one object with what goes with it. Raises Problem (400, 404, 409)."""
        options = await delete_options(request)
        old = require(self._store, target)
        if options.uid not in ("", old.uid) or options.version not in ("", str(old.version)):
            raise conflict(target.info, target.ref, "the preconditions are not those of the object")
        gone = self._remove([old], options)
        left = gone if options.dry_run else self._store.get(target.ref)
        if isinstance(left, Stored):
            return Reply(shown(left, target))
        details = {"name": target.name, "kind": target.info.plural, "uid": old.uid}
        if target.info.group:
            details["group"] = target.info.group
        return Reply({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})

    async def delete_collection(self, target: Target, request: Request) -> Reply:
        """DELETE of all objects of a kind in a namespace that the selectors take."""
        options = await delete_options(request)
        matches = selection(
            request.query.get("labelSelector", ""), request.query.get("fieldSelector", ""), target.info.kind
        )
        found = self._store.list(target.info.group, target.info.kind, target.namespace or None)
        found = [each for each in found if matches is None or matches(each.body)]
        self._remove(found, options)
        metadata = {"resourceVersion": str(self._store.version)}
        items = [shown(each, target) for each in found]
        kind = f"{target.info.kind}List"
        return Reply({"kind": kind, "apiVersion": target.api_version, "metadata": metadata, "items": items})

    async def scale(self, target: Target, _request: Request) -> Reply:
        """GET of the scale subresource."""
        return Reply(_scale(require(self._store, target)))

    async def rescale(self, target: Target, request: Request) -> Reply:
        """PUT or PATCH of the scale subresource. Raises Problem (400, 404, 409, 422)."""
        old = require(self._store, target)
        given = await request.json() if request.method == "PUT" else None
        if request.method == "PATCH":
            kind = request.headers.get("content-type", "").partition(";")[0].strip()
            request.headers["content-type"] = "application/json"
            given = _patcher(kind, target)(_scale(old), await request.json())
        spec = given.get("spec") if isinstance(given, dict) else None
        replicas = spec.get("replicas", 0) if isinstance(spec, dict) else None
        if not isinstance(replicas, int):
            raise Problem(400, "spec.replicas: is not a whole number")
        metadata = given.get("metadata") if isinstance(given, dict) else None
        version = _version(metadata.get("resourceVersion") if isinstance(metadata, dict) else None)
        if version is not None and version != old.version:
            raise _stale(target)
        body = {**old.body, "spec": {**old.body["spec"], "replicas": replicas}}
        reply = self._write(target, Wanted(body, old, old.version), _updated(target, old, request), request)
        return Reply(_scale(reply.body if request.dry_run else require(self._store, target)))

    def _replace(self, target: Target, old: Stored, body: Body, request: Request) -> Reply:
        if target.subresource == "status":
            status = {**old.body, "status": body.get("status") or {}}
            return self._store_one(target, Put(target.ref, status, old.version), [], dry_run=request.dry_run)
        owners = _told_owners(body, old) or _updated(target, old, request)
        return self._write(target, Wanted(body, old, old.version), owners, request)

    def _write(self, target: Target, wanted: Wanted, owners: Owners, request: Request, *, code: int = 200) -> Reply:
        try:
            admitted = self._admission.admit([wanted], target.namespace, together=False)
        except Refused as refused:
            raise invalid(target.ref, [error for _, error in refused.errors]) from None
        except NoNamespace as missing:
            raise no_namespace(missing, target) from None
        warnings = [text for _, text in admitted.warnings]
        put = admitted.puts[0]
        put.body["metadata"]["managedFields"] = managed.as_managed_fields(owners(put.body))
        return self._store_one(target, put, warnings, dry_run=request.dry_run, code=code)

    def _store_one(self, target: Target, put: Put, warnings: list[str], *, dry_run: bool, code: int = 200) -> Reply:
        if dry_run:
            return Reply(as_if_stored(put, self._store.get(put.ref)), code, warnings=warnings)
        try:
            (stored,) = self._store.commit([put])
        except Exists:
            raise already_exists(target.info, target.ref) from None
        except Conflict:
            raise _stale(target) from None
        except NotFound:
            raise not_found(target.info, target.ref) from None
        if stored.metadata.get("deletionTimestamp") and not stored.metadata.get("finalizers") and _waits(stored):
            self._store.commit(removal(self._store, [stored]))
        return Reply(shown(stored, target), code, warnings=warnings)

    def _remove(self, found: list[Stored], options: Options) -> Stored | None:
        if options.dry_run:
            return found[0] if found else None
        self._store.commit(removal(self._store, found, grace=options.grace, orphan=options.orphan))
        return None


def _waits(stored: Stored) -> bool:
    """Whether a marked object waits for its finalizers alone: pods and namespaces are ended by others."""
    return bool(stored.ref.group) or stored.ref.kind not in ("Pod", "Namespace")


def _told_owners(body: Body, old: Stored) -> Owners | None:
    """The owners that a write names itself, as kubectl does when it moves to server-side apply; None when it does not.

    Raises Problem (400) when they are malformed.
    """
    told = body["metadata"].get("managedFields")
    if told is None or told == old.metadata.get("managedFields"):
        return None
    try:
        found = managed.owners_of(body)
    except (TypeError, AttributeError, KeyError):
        raise Problem(400, "metadata.managedFields: is malformed") from None
    return lambda _: found


def _updated(target: Target, old: Stored | None, request: Request) -> Owners:
    """Who owns what after a write that is no apply, told of the object as it will be stored."""
    key_of = list_key(target.info.group, target.info.kind)
    before = old.body if old is not None else None
    return lambda body: managed.updated(before, body, _manager(request), timestamp(), key_of, target.subresource)


def _manager(request: Request) -> str:
    """Who writes: the query says it, else the client's name."""
    return request.query.get("fieldManager") or request.headers.get("user-agent", "").partition("/")[0] or "unknown"


def _one_document(raw: bytes) -> Body:
    """What is applied: YAML, of which JSON is a part. Raises Problem (400)."""
    try:
        found = [body for body, _ in documents(raw.decode(), "")]
    except (Invalid, UnicodeDecodeError) as error:
        raise Problem(400, f"what is applied is not YAML: {error}") from None
    if len(found) != 1 or not isinstance(found[0], dict):
        raise Problem(400, "what is applied is not one object")
    return found[0]


def as_if_stored(put: Put, old: Stored | None) -> Body:
    """The object as a commit would leave it, for a dry run."""
    metadata = dict(put.body["metadata"])
    if old is None:
        metadata.update(uid="00000000-0000-0000-0000-000000000000", creationTimestamp=timestamp(), generation=1)
    else:
        for name in ("uid", "creationTimestamp", "generation", "resourceVersion"):
            metadata[name] = old.metadata[name]
    return {**put.body, "metadata": metadata}


async def delete_options(request: Request) -> Options:
    """DeleteOptions from the body or the query. Raises Problem (400)."""
    body = await request.json()
    options = body if isinstance(body, dict) else {}
    conditions = options.get("preconditions")
    conditions = conditions if isinstance(conditions, dict) else {}
    grace = options.get("gracePeriodSeconds", request.number("gracePeriodSeconds"))
    if grace is not None and (not isinstance(grace, int) or not 0 <= grace <= 1_000_000):
        raise Problem(400, f"gracePeriodSeconds: {grace!r} is not a number of seconds")
    policy = options.get("propagationPolicy") or request.query.get("propagationPolicy", "")
    if policy not in ("", "Background", "Foreground", "Orphan"):
        raise Problem(400, f'propagationPolicy: "{policy}" is none of Background, Foreground, Orphan')
    return Options(
        grace,
        policy == "Orphan" or options.get("orphanDependents") is True,
        str(conditions.get("uid") or ""),
        str(conditions.get("resourceVersion") or ""),
        request.dry_run or options.get("dryRun") == ["All"],
    )


def no_namespace(missing: NoNamespace, target: Target) -> Problem:
    """404, or 403 for a namespace that is being deleted."""
    ref = Ref("", "Namespace", "", missing.name)
    if missing.ending:
        cause = {"reason": "NamespaceTerminating", "message": f"namespace {missing.name} is being terminated"}
        return Problem(
            403,
            f'{target.info.plural} "{target.name}" is forbidden: unable to create new content in namespace '
            f"{missing.name} because it is being terminated",
            ref=ref,
            plural="namespaces",
            causes=[cause],
        )
    return Problem(404, f'namespaces "{missing.name}" not found', ref=ref, plural="namespaces")


def _of_target(body: Any, target: Target) -> Body:
    """The body, when it is of the kind and namespace that the path names. Raises Problem (400)."""
    if not isinstance(body, dict):
        raise Problem(400, "the object is not a JSON object")
    metadata = body.get("metadata")
    if not isinstance(metadata, dict):
        raise Problem(400, "metadata: is missing")
    given = {"apiVersion": body.get("apiVersion"), "kind": body.get("kind")}
    wanted = {"apiVersion": target.api_version, "kind": target.info.kind}
    for name, value in wanted.items():
        if given[name] not in (value, None, ""):
            raise Problem(400, f'{name}: "{given[name]}" is not what this path takes ("{value}")')
    namespace = metadata.get("namespace")
    if target.info.namespaced and namespace not in (None, "", target.namespace):
        raise Problem(
            400,
            f"the namespace of the provided object ({namespace}) does not match the namespace sent on the "
            f"request ({target.namespace})",
        )
    if target.info.namespaced:
        metadata = {**metadata, "namespace": target.namespace}
    return {**body, **wanted, "metadata": metadata}


def _version(given: Any) -> int | None:
    if not given:
        return None
    if not isinstance(given, str) or not (given.isascii() and given.isdigit()) or len(given) > 18:
        raise Problem(400, f"metadata.resourceVersion: {given!r} was not given by this server")
    return int(given)


def _stale(target: Target) -> Problem:
    return conflict(
        target.info,
        target.ref,
        "the object has been modified; please apply your changes to the latest version and try again",
    )


def _patcher(kind: str, target: Target) -> Callable[[Any, Any], Any]:
    if kind == MERGE:
        return merge_patch
    if kind == JSON:
        return json_patch
    if kind == STRATEGIC and target.info.group in KUBERNETES_GROUPS:
        key_of = list_key(target.info.group, target.info.kind)
        return lambda body, patch: strategic_patch(body, patch, key_of)
    known = [MERGE, JSON, *([STRATEGIC] if target.info.group in KUBERNETES_GROUPS else [])]
    raise Problem(415, f'the patch is "{kind}"; {target.info.kind} takes {", ".join(known)}')


def _scale(stored: Stored | Body) -> Body:
    """The autoscaling/v1 Scale of a Deployment or ReplicaSet."""
    body = stored.body if isinstance(stored, Stored) else stored
    names = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    selector = body["spec"].get("selector", {}).get("matchLabels", {})
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: body["metadata"][name] for name in names if name in body["metadata"]},
        "spec": {"replicas": body["spec"].get("replicas", 1)},
        "status": {
            "replicas": body.get("status", {}).get("replicas", 0),
            "selector": ",".join(f"{name}={value}" for name, value in sorted(selector.items())),
        },
    }
