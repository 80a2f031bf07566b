"""A canary's rules in the mesh: writes them with a share for the version, and restores them."""

import time
from collections.abc import Sequence

import msgspec

from mesh.canary.record import KEY, Record, Restoring, Touched, restoring
from mesh.canary.split import CannotSplit, Plan, Service, creation, plan
from mesh.client.errors import ApiError
from mesh.daemon.failure import Failure
from mesh.resources.values.body import Body
from mesh.resources.values.ref import SERVICE, Ref
from meshmall.cli.apply import settle
from meshmall.cli.context import Context

ISTIO = "networking.istio.io"
GATEWAY_API = "gateway.networking.k8s.io"
# Seconds after which the daemon restores the rules when nobody extends the canary any more.
LEASE = 30.0


class Rules:
    """The rules of one canary. All methods raise ApiError; `begin` raises Failure, with nothing changed."""

    def __init__(self, context: Context, service: str, version: str, replaced: str) -> None:
        self._context = context
        self._client = context.client
        try:
            self.plan: Plan = plan(_service(context, service), version, replaced)
        except CannotSplit as error:
            raise Failure(error.message, error.remedy) from None
        self.record = Record(context.namespace, service, version, 0.0)

    def begin(self) -> None:
        """Records what the rules are. Raises Failure when the service has a canary already."""
        existing = self._body(self.record.ref)
        if existing is not None:
            former = Record.of(existing)
            what = f"a canary of {former.version}" if former is not None else f"a ConfigMap {self.record.ref.name}"
            raise Failure(
                f"Service {self._context.namespace}/{self.record.service}: {what} exists already",
                f"wait for its end: it is restored at most {LEASE:g} s after its command has ended"
                if former is not None
                else "rename it",
            )
        self.record = msgspec.structs.replace(self.record, until=time.time() + LEASE, touched=self.plan.at(0))
        self._client.apply([self.record.body()])

    def give(self, weight: int) -> None:
        """Gives the version `weight` percent, and waits until Envoy has it."""
        before = {touched.ref: touched.written for touched in self.record.touched}
        touched = tuple(msgspec.structs.replace(item, previous=before.get(item.ref)) for item in self.plan.at(weight))
        # First what restores it, then the change.
        self.extend("", weight, touched)
        version = max(self._write(item) for item in touched)
        settle(self._context, version, [item.ref for item in touched])

    def extend(self, seen: str, weight: int | None = None, touched: tuple[Touched, ...] | None = None) -> None:
        """Tells the daemon that the canary goes on, and people how it is doing."""
        self.record = msgspec.structs.replace(
            self.record,
            until=time.time() + LEASE,
            seen=seen,
            weight=self.record.weight if weight is None else weight,
            touched=self.record.touched if touched is None else touched,
        )
        self._client.patch(self.record.ref, {"data": {KEY: self.record.body()["data"][KEY]}})

    def restore(self) -> list[str]:
        """Restores what was before; returns the objects that somebody else has changed meanwhile, which stay."""
        left = []
        version = 0
        for touched in reversed(self.record.touched):
            match restoring(touched, self._body(touched.ref)):
                case Restoring.WRITE:
                    body = self._client.patch(touched.ref, {"spec": {touched.field: touched.original}})
                    version = max(version, int(body["metadata"]["resourceVersion"]))
                case Restoring.DELETE:
                    version = max(version, self._client.delete([touched.ref]).version)
                case Restoring.LEAVE:
                    left.append(f"{touched.kind} {touched.namespace}/{touched.name}")
        self.end()
        if version:
            settle(self._context, version, [])
        return left

    def end(self) -> None:
        """Forgets what was before."""
        self._client.delete([self.record.ref])

    def _write(self, touched: Touched) -> int:
        """Writes one object; returns the store's version after it."""
        if touched.created and self._body(touched.ref) is None:
            return self._client.apply([creation(touched, self.plan.service)]).version
        body = self._client.patch(touched.ref, {"spec": {touched.field: touched.written}})
        return int(body["metadata"]["resourceVersion"])

    def _body(self, ref: Ref) -> Body | None:
        try:
            return self._client.get(ref)
        except ApiError as error:
            if error.status == 404:
                return None
            raise


def _service(context: Context, name: str) -> Service:
    """The service with its rules. Raises Failure when there is none."""
    client, namespace = context.client, context.namespace
    services = client.list(*SERVICE, namespace)
    body = next((body for body in services if body["metadata"]["name"] == name), None)
    if body is None:
        names = ", ".join(sorted(body["metadata"]["name"] for body in services)) or "none"
        raise Failure(f'there is no Service "{name}" in namespace {namespace} (it has {names})')
    selector: Body = body["spec"].get("selector") or {}
    return Service(
        namespace,
        name,
        _versions(client.list("apps", "Deployment", namespace), selector),
        client.list(ISTIO, "VirtualService", None),
        client.list(ISTIO, "DestinationRule", None),
        [*client.list(GATEWAY_API, "HTTPRoute", None), *client.list(GATEWAY_API, "GRPCRoute", None)],
    )


def _versions(deployments: Sequence[Body], selector: Body) -> frozenset[str]:
    """The label `version` of the Deployments that a Service selects; branches' own are none of its."""
    labels = [(body["spec"]["template"].get("metadata") or {}).get("labels") or {} for body in deployments]
    return frozenset(
        own.get("version", "")
        for own in labels
        if selector and selector.items() <= own.items() and "meshmall.dev/branch" not in own
    )
