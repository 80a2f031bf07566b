"""The clusters that Services and ServiceEntries declare, remembered from one compilation to the next."""

from collections.abc import Iterator
from functools import partial

from mesh.routing.destinations.clusters import clusters_of
from mesh.routing.destinations.directory import Directory
from mesh.routing.destinations.views import Views
from mesh.routing.memory import Memory
from mesh.routing.model.cluster import Group
from mesh.routing.security.access import Policies
from mesh.routing.security.authentication import Tokens
from mesh.routing.world import World


def declared_groups(
    world: World, directory: Directory, views: Views, policies: Policies, tokens: Tokens, memory: Memory
) -> Iterator[Group]:
    """One cluster for each port, subset and view of each host, with its endpoints."""
    # Who may call depends on the labels of any pod, endpoints on those of the Service's own pods.
    any_pod = bool(policies or tokens)
    for service in (*directory.services, *directory.entries):
        pods = world.pods if any_pod else directory.pods_of(service)
        for view, rules in views.of(service).items():
            build = partial(clusters_of, service, rules, directory, policies, tokens, world.secrets, view)
            yield from memory.keep(
                ("clusters", service.host, service.entry is None, view),
                (service, tuple(rules), pods),
                lambda build=build: tuple(build()),  # type: ignore[misc]
            )
