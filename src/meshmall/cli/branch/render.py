"""`branch render`: the branch as YAML for a cluster."""

from collections.abc import Sequence
from typing import Any

import msgspec
import yaml

from mesh.branches.render import Around, render, typed_pairs
from mesh.daemon.failure import Failure
from mesh.resources.core.deployment import Deployment
from mesh.resources.core.service import Service
from mesh.resources.meshmall.branch import GROUP, Branch
from mesh.resources.values.problems import Invalid
from meshmall.cli.branch.wait import fetch
from meshmall.cli.context import Context

ISTIO = "networking.istio.io"


class _Plain(yaml.SafeDumper):
    """Without anchors, which are YAML's but nobody's manifests."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def print_rendered(context: Context, names: Sequence[str]) -> None:
    """Prints all objects as one YAML stream. Raises Failure for what a cluster cannot have."""
    wanted = [msgspec.convert(fetch(context, name), Branch) for name in names]
    space = context.namespace
    every = [msgspec.convert(body, Branch) for body in context.client.list(GROUP, "Branch", space)]
    around = Around(
        {(each.metadata.namespace, each.metadata.name): each for each in every},
        [msgspec.convert(body, Service) for body in context.client.list("", "Service", space)],
        [msgspec.convert(body, Deployment) for body in context.client.list("apps", "Deployment", space)],
        typed_pairs(context.client.list(ISTIO, "VirtualService", space)),
    )
    try:
        objects = render(wanted, around)
    except Invalid as error:
        raise Failure(str(error), "nothing was printed") from None
    lines = [
        f"# Branch {', '.join(names)}: {len(objects)} objects for a cluster with Istio.",
        "# Programs must pass on x-branch or baggage there; expiry, fallback and context loss are not watched.",
        "# VirtualServices of a name that is there already hold the team's rows too: apply the team's again to end it.",
    ]
    context.view.plain("\n".join(lines))
    context.view.plain(yaml.dump_all(objects, Dumper=_Plain, sort_keys=False))
