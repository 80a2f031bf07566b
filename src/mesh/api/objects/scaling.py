"""The scale subresource of workloads with a number of pods (autoscaling/v1 Scale)."""

from mesh.api.objects.admission import ProposedObject
from mesh.api.objects.patching import patch_of
from mesh.api.objects.paths import Target
from mesh.api.objects.reading import require
from mesh.api.objects.request_bodies import resource_version
from mesh.api.objects.storing import Storing, owners_after_update, stale
from mesh.api.transport.http import Reply, Request
from mesh.api.transport.status_errors import Problem, Unreadable, invalid, unreadable_patch
from mesh.resources.kind_definition import ScaleFields
from mesh.resources.values.body import Body
from mesh.resources.values.problems import FieldError
from mesh.resources.values.ref import Ref
from mesh.store import Store


class Scaling:
    """Reads and changes numbers of replicas."""

    def __init__(self, store: Store, storing: Storing) -> None:
        self._store = store
        self._storing = storing

    async def get(self, target: Target, _request: Request) -> Reply:
        """Raises Problem (404; 500, as Kubernetes, for a custom resource that does not have the field)."""
        body = require(self._store, target).body
        fields = _fields(target)
        if fields is not None and fields.read(body)[0] is None:
            raise Problem(500, f'{target.definition.kind} "{target.name}" has no number of replicas yet')
        return Reply(_scale(target, body))

    async def update(self, target: Target, request: Request) -> Reply:
        """PUT or PATCH. Raises Problem (400, 404, 409, 415, 422)."""
        old = require(self._store, target)
        if request.method == "PATCH":
            apply, patch = await patch_of(request, target)
            scale = apply(_scale(target, old.body), patch)
            if not isinstance((scale.get("spec") or {}).get("replicas", 0), int):
                raise unreadable_patch(Unreadable(400, "spec.replicas: is not a whole number"))
        else:
            scale = await request.json()
        spec, metadata = (scale.get("spec"), scale.get("metadata")) if isinstance(scale, dict) else (None, None)
        replicas = spec.get("replicas", 0) if isinstance(spec, dict) else None
        if not isinstance(replicas, int):
            raise Problem(400, "spec.replicas: is not a whole number")
        if replicas < 0:
            why = f"Invalid value: {replicas}: must be greater than or equal to 0"
            scale_ref = Ref("autoscaling", "Scale", target.namespace, target.name)
            raise invalid(scale_ref, [FieldError("spec.replicas", why)])
        version = resource_version(metadata.get("resourceVersion") if isinstance(metadata, dict) else None)
        if version is not None and version != old.version:
            raise stale(target)
        fields = _fields(target)
        if fields is not None:
            body = fields.scaled(old.body, replicas)
        else:
            body = {**old.body, "spec": {**old.body["spec"], "replicas": replicas}}
        owners = owners_after_update(target, old, request)
        reply = self._storing.write(target, ProposedObject(body, old, old.version), owners, request)
        return Reply(_scale(target, reply.body if request.dry_run else require(self._store, target).body))


def _fields(target: Target) -> ScaleFields | None:
    """Where a custom resource has its numbers; None for Kubernetes' own. Raises Problem (404)."""
    custom = target.definition.custom
    if custom is None:
        return None
    fields = custom.scale(target.version)
    if fields is None:
        raise Problem(404, f"{target.definition.plural}/scale is not part of {target.api_version}")
    return fields


def _scale(target: Target, body: Body) -> Body:
    names = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    fields = _fields(target)
    replicas, actual, selector = _numbers(body) if fields is None else fields.read(body)
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: body["metadata"][name] for name in names if name in body["metadata"]},
        # As Kubernetes writes it: no replicas are left out, and so is the selector of a custom resource without one.
        "spec": {"replicas": replicas} if replicas else {},
        "status": {"replicas": actual, **({"selector": selector} if selector or fields is None else {})},
    }


def _numbers(body: Body) -> tuple[int, int, str]:
    """The replicas that one of Kubernetes' workloads asks for, those it has, and its selector."""
    selector = body["spec"].get("selector") or {}
    if body["kind"] != "ReplicationController":
        selector = selector.get("matchLabels") or {}
    labels = ",".join(f"{name}={value}" for name, value in sorted(selector.items()))
    return body["spec"].get("replicas", 1), body.get("status", {}).get("replicas", 0), labels
