"""`branch render`: the branch as YAML for a cluster."""

from collections.abc import Sequence
from typing import Any

import msgspec
import yaml

from mesh.branches.render import Around, local_paths, of_data, render
from mesh.daemon.failure import Failure
from mesh.resources.core.deployment import Deployment
from mesh.resources.core.service import Service
from mesh.resources.core.stateful_set import StatefulSet
from mesh.resources.istio.destination_rule import DestinationRule
from mesh.resources.meshmall.branch import GROUP, PREVIEW_DOMAIN, Branch
from mesh.resources.values.problems import Invalid
from mesh.routing.branches.changes import effective
from meshmall.cli.branch.wait import fetch
from meshmall.cli.context import Context

ISTIO = "networking.istio.io"


class _Plain(yaml.SafeDumper):
    """Writes no anchors: valid YAML, but nobody expects them in a manifest."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def print_rendered(
    context: Context,
    names: Sequence[str],
    *,
    gateway_namespace: str = "istio-system",
    preview_domain: str = PREVIEW_DOMAIN,
) -> None:
    """Prints all objects as one YAML stream. Raises Failure for what has no equivalent on a cluster."""
    branches = [msgspec.convert(fetch(context, name), Branch) for name in dict.fromkeys(names)]
    namespace = context.namespace
    existing = [msgspec.convert(body, Branch) for body in context.client.list(GROUP, "Branch", namespace)]
    around = Around(
        {(branch.metadata.namespace, branch.metadata.name): branch for branch in existing},
        [msgspec.convert(body, Service) for body in context.client.list("", "Service", namespace)],
        [msgspec.convert(body, Deployment) for body in context.client.list("apps", "Deployment", namespace)],
        context.client.list(ISTIO, "VirtualService", None),
        [msgspec.convert(body, DestinationRule) for body in context.client.list(ISTIO, "DestinationRule", namespace)],
        callers=(body["metadata"]["namespace"] for body in context.client.list("", "Pod", None)),
        gateway_namespace=gateway_namespace,
        preview_domain=preview_domain,
        stateful_sets=[msgspec.convert(b, StatefulSet) for b in context.client.list("apps", "StatefulSet", namespace)],
        claims={
            body["metadata"]["name"]: body["spec"]
            for body in context.client.list("", "PersistentVolumeClaim", namespace)
        },
    )
    try:
        objects = render(branches, around)
    except Invalid as error:
        raise Failure(str(error), "nothing was printed") from None
    sentences = (*local_paths(branches, around.branches), *of_data(branches), *_left_out(branches, existing))
    for sentence in sentences:
        context.view.warn(sentence)
    shown = ", ".join(branch.metadata.name for branch in branches)
    lines = [
        f"# Branch {shown}: {len(objects)} objects for a cluster with Istio. None replaces one of yours:",
        "# kubectl delete -f with this file restores what was there.",
        "# The rules include a copy of yours as they are now: render again when yours change.",
        "# Programs must propagate x-branch or baggage there; expiry, fallback and lost context are not handled.",
    ]
    context.view.plain("\n".join(lines))
    context.view.plain(yaml.dump_all(objects, Dumper=_Plain, sort_keys=False))


def _left_out(branches: Sequence[Branch], existing: Sequence[Branch]) -> list[str]:
    """Branches that change the same services and are not rendered: on a cluster each service has one set of rules."""
    names = {branch.metadata.name for branch in branches}
    by_name = {(branch.metadata.namespace, branch.metadata.name): branch for branch in existing}
    changed = {service for branch in branches for service in effective(branch, by_name)}
    return [
        f"branch {other.metadata.name} changes {', '.join(sorted(shared))} too but is left out: a cluster has one set "
        "of rules per service, so render all branches of a service together"
        for other in existing
        if other.metadata.name not in names and (shared := changed & effective(other, by_name).keys())
    ]
