"""`branch render`: the branch as YAML for a cluster."""

from collections.abc import Sequence
from typing import Any

import msgspec
import yaml

from mesh.branches.render import Around, local_paths, render, typed_pairs
from mesh.daemon.failure import Failure
from mesh.resources.core.deployment import Deployment
from mesh.resources.core.service import Service
from mesh.resources.meshmall.branch import GROUP, Branch
from mesh.resources.values.problems import Invalid
from meshmall.cli.branch.wait import fetch
from meshmall.cli.context import Context

ISTIO = "networking.istio.io"


class _Plain(yaml.SafeDumper):
    """Writes no anchors: valid YAML, but nobody expects them in a manifest."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def print_rendered(context: Context, names: Sequence[str]) -> None:
    """Prints all objects as one YAML stream. Raises Failure for what has no equivalent on a cluster."""
    branches = [msgspec.convert(fetch(context, name), Branch) for name in names]
    namespace = context.namespace
    existing = [msgspec.convert(body, Branch) for body in context.client.list(GROUP, "Branch", namespace)]
    around = Around(
        {(branch.metadata.namespace, branch.metadata.name): branch for branch in existing},
        [msgspec.convert(body, Service) for body in context.client.list("", "Service", namespace)],
        [msgspec.convert(body, Deployment) for body in context.client.list("apps", "Deployment", namespace)],
        typed_pairs(context.client.list(ISTIO, "VirtualService", namespace)),
    )
    try:
        objects = render(branches, around)
    except Invalid as error:
        raise Failure(str(error), "nothing was printed") from None
    for sentence in local_paths(branches, around.branches):
        context.view.warn(sentence)
    lines = [
        f"# Branch {', '.join(names)}: {len(objects)} objects for a cluster with Istio.",
        "# Programs must propagate x-branch or baggage there; expiry, fallback and lost context are not handled.",
        "# VirtualServices that already exist include your own routes too: apply your originals again to undo this.",
    ]
    context.view.plain("\n".join(lines))
    context.view.plain(yaml.dump_all(objects, Dumper=_Plain, sort_keys=False))
