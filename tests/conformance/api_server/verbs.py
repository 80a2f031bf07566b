"""The probes of all verbs, held with a server that has what was there when they were recorded.

    python -m tests.conformance.api_server.verbs [--record]

prints where the answers differ; `--record` renews the list of known differences.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.conformance.api_server import (
    probes_applying,
    probes_deleting,
    probes_lists,
    probes_more,
    probes_patches,
    probes_subresources,
    probes_watches,
)
from tests.conformance.api_server.conversations import answers, record, without_wording
from tests.conformance.api_server.probes import CONFIG_MAPS, CORE, config_map
from tests.conformance.api_server.recorded_answers import defaults
from tests.conformance.api_server.world import World, world_of

PROBES = {
    name: probe
    for module in (
        probes_lists,
        probes_watches,
        probes_patches,
        probes_applying,
        probes_deleting,
        probes_subresources,
        probes_more,
    )
    for name, probe in module.probes.all.items()
}
ANSWERS = {case: probes_lists.by_owner(answer) for case, answer in without_wording(answers("verbs")).items()}


async def furnish(world: World, namespaces: Sequence[str] = ("t", "w3")) -> None:
    """The objects that were there when the recording began."""
    for namespace in namespaces:
        await world.post(CORE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    for number in range(7 if "w3" in namespaces else 0):
        labels = {"app": "x" if number % 2 else "y", "n": str(number), **({"z": ""} if number == 3 else {})}
        await world.post(CONFIG_MAPS, config_map(f"l{number}", labels=labels))
    namespaced = await _scopes(world)
    for row in defaults():
        version, plural = row.body["apiVersion"], row.resource
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        scope = "/namespaces/t" if namespaced.get(f"{version}/{plural}", True) else ""
        await world.post(f"{root}{scope}/{plural}?fieldValidation=Ignore", row.body)
    await world.settled()


async def _scopes(world: World) -> dict[str, bool]:
    """Whether a resource has namespaces, by its version and plural."""
    scopes = {}
    versions = ["v1"]
    for group in (await world.get("/apis")).body["groups"]:
        versions += [version["groupVersion"] for version in group["versions"]]
    for version in versions:
        resources = (await world.get(f"/apis/{version}" if "/" in version else f"/api/{version}")).body["resources"]
        scopes.update({f"{version}/{resource['name']}": resource["namespaced"] for resource in resources})
    return scopes


async def converse(world: World) -> dict[str, Any]:
    """The answer to every probe; the error of one that has failed."""
    given: dict[str, Any] = {}
    for name, probe in PROBES.items():
        try:
            given[name] = without_wording(await probe(world))
        except (KeyError, TypeError, AttributeError, IndexError, StopIteration, AssertionError) as error:
            given[name] = f"failed: {error!r}"
    return given


async def answered(home: Path) -> dict[str, Any]:
    """All answers of a server that is started for them."""
    async with world_of(home) as world:
        await furnish(world)
        return await converse(world)


def main(arguments: list[str]) -> None:
    """Prints the differences, and renews the list of known ones when asked."""
    with tempfile.TemporaryDirectory() as folder:
        given = asyncio.run(answered(Path(folder)))
    differing = [case for case, answer in ANSWERS.items() if given[case] != answer]
    for case in differing:
        here, there = (json.dumps(answer, sort_keys=True) for answer in (given[case], ANSWERS[case]))
        sys.stdout.write(f"{case}\n  Kubernetes: {there}\n  here:       {here}\n")
    sys.stdout.write(f"{len(differing)} of {len(ANSWERS)} differ\n")
    if "--record" in arguments:
        record("verbs", differing)


if __name__ == "__main__":
    main(sys.argv[1:])
