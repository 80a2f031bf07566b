"""How many pods each version of a Deployment should have next, by Kubernetes' rules. Pure.

Source: Kubernetes' Deployment ("Strategy", "Proportional scaling", "Clean up policy"). One call gives one step; the
controller takes it, and calls again when a pod has become ready or is gone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from mesh.resources.core.deployment import DORMANT
from mesh.resources.values.body import Body


@dataclass(frozen=True, slots=True)
class Version:
    """A ReplicaSet as the rollout sees it. `size` is spec.replicas, the other counts are of living pods.

    `limit` is how many pods all versions together were allowed when this one was last scaled, 0 when unknown.
    """

    name: str
    created: str
    size: int
    pods: int = 0
    available: int = 0
    limit: int = 0


@dataclass(frozen=True, slots=True)
class Strategy:
    """A Deployment's strategy; `surge` and `unavailable` are numbers of pods."""

    replicas: int
    surge: int = 0
    unavailable: int = 0
    recreate: bool = False
    paused: bool = False

    @property
    def most(self) -> int:
        """How many pods there may be at a time."""
        return self.replicas + self.surge if self.replicas else 0

    @property
    def least(self) -> int:
        """How many pods must be available."""
        return self.replicas - self.unavailable


@dataclass(frozen=True, slots=True)
class Step:
    """What to do: new sizes by name, and the size of the version to create (None: it exists already, or must wait)."""

    sizes: dict[str, int]
    create: int | None = None


def bounds(replicas: int, surge: int | str | None, unavailable: int | str | None) -> tuple[int, int]:
    """maxSurge (rounded up) and maxUnavailable (rounded down) as numbers of pods; never both zero."""
    up = math.ceil(_share(surge if surge is not None else "25%", replicas))
    down = min(replicas, math.floor(_share(unavailable if unavailable is not None else "25%", replicas)))
    return up, 1 if up == 0 and down == 0 else down


def in_force(deployment: Body) -> Body:
    """A Deployment as it is carried out: one that is dormant as if it had no replicas."""
    if DORMANT not in (deployment["metadata"].get("annotations") or {}):
        return deployment
    return {**deployment, "spec": {**deployment["spec"], "replicas": 0}}


def strategy_of(spec: dict[str, Any]) -> Strategy:
    """The strategy in a Deployment's spec."""
    replicas = int(spec.get("replicas", 1))
    strategy = spec.get("strategy") or {}
    rolling = strategy.get("rollingUpdate") or {}
    recreate = strategy.get("type") == "Recreate"
    surge, unavailable = bounds(replicas, rolling.get("maxSurge"), rolling.get("maxUnavailable"))
    return Strategy(
        replicas=replicas,
        surge=0 if recreate else surge,
        unavailable=0 if recreate else unavailable,
        recreate=recreate,
        paused=bool(spec.get("paused")),
    )


def step(strategy: Strategy, new: Version | None, old: Sequence[Version]) -> Step:
    """The next step towards `strategy.replicas` pods of `new` and none of `old`."""
    versions = [*old, new] if new is not None else list(old)
    if strategy.paused or _scaled(strategy, versions):
        return Step(_resized(strategy, new, old))
    if strategy.recreate:
        return _recreate(strategy, new, old)
    if new is None:
        return Step({}, create=_grown(strategy, 0, old))
    # `replicas` may have been lowered in the middle of a rollout.
    size = min(new.size, strategy.replicas)
    if new.size < strategy.replicas:
        size = _grown(strategy, new.size, versions)
    if size != new.size:
        return Step({new.name: size})
    return Step(_shrunk(strategy, new, old))


def surplus(old: Sequence[Version], limit: int) -> list[str]:
    """The names of old versions beyond revisionHistoryLimit that have no pods, oldest first."""
    idle = sorted((v for v in old if v.size == 0 and v.pods == 0), key=lambda v: v.created)
    return [v.name for v in idle[: max(0, len(old) - limit)]]


def _share(value: int | str, replicas: int) -> float:
    if isinstance(value, str) and value.endswith("%"):
        return replicas * int(value[:-1]) / 100
    return float(value)


def _grown(strategy: Strategy, size: int, versions: Sequence[Version]) -> int:
    room = strategy.most - sum(v.size for v in versions)
    return size + max(0, min(room, strategy.replicas - size))


def _recreate(strategy: Strategy, new: Version | None, old: Sequence[Version]) -> Step:
    running = {v.name: 0 for v in old if v.size > 0}
    if running:
        return Step(running)
    # Scaled to zero, but pods are still ending: Recreate promises that two versions never run side by side.
    if any(v.pods for v in old):
        return Step({})
    if new is None:
        return Step({}, create=strategy.replicas)
    return Step({new.name: strategy.replicas} if new.size != strategy.replicas else {})


def _shrunk(strategy: Strategy, new: Version, old: Sequence[Version]) -> dict[str, int]:
    """Takes pods from the old versions: first unavailable ones, then as many as availability allows."""
    total = new.size + sum(v.size for v in old)
    # New pods that are not available yet count as if they were missing: old ones stay for them.
    room = total - strategy.least - max(0, new.size - new.available)
    sizes: dict[str, int] = {}
    remaining: list[Version] = []
    # Unavailable pods answer nobody: taking them first costs no availability, and a failed rollout is cleaned up.
    for version in sorted(old, key=lambda v: v.created):
        less = max(0, min(room, version.size - version.available))
        room -= less
        remaining.append(replace(version, size=version.size - less))
        if less:
            sizes[version.name] = version.size - less
    spare = min(new.available + sum(v.available for v in old) - strategy.least, room)
    for version in remaining:
        less = max(0, min(spare, version.size))
        spare -= less
        if less:
            sizes[version.name] = version.size - less
    return sizes


def _scaled(strategy: Strategy, versions: Sequence[Version]) -> bool:
    """Whether `replicas` was changed since the versions that have pods were last scaled."""
    # `limit` is what `most` was when the version was last scaled (deployment.kubernetes.io/max-replicas).
    return any(v.size > 0 and v.limit not in (0, strategy.most) for v in versions)


def _resized(strategy: Strategy, new: Version | None, old: Sequence[Version]) -> dict[str, int]:
    versions = [*old, new] if new is not None else list(old)
    active = [v for v in versions if v.size > 0] or ([new] if new is not None else [])
    if len(active) == 1:
        return {active[0].name: strategy.replicas} if active[0].size != strategy.replicas else {}
    # The rollout is complete: what the old versions still have is left over from it.
    if new is not None and new.size == new.available == strategy.replicas:
        return {v.name: 0 for v in old if v.size > 0}
    return {} if strategy.recreate else _proportional(strategy, active)


def _proportional(strategy: Strategy, active: Sequence[Version]) -> dict[str, int]:
    """Spreads a new size over the versions in proportion, largest first; the remainder goes to the largest."""
    change = strategy.most - sum(v.size for v in active)
    ordered = sorted(active, key=lambda v: (v.size, v.created), reverse=True)
    sizes = {v.name: v.size for v in active}
    remainder = change
    for version in ordered:
        before = version.limit or sum(v.size for v in active)
        part = round(version.size * strategy.most / before) - version.size if before else 0
        part = max(0, min(part, remainder)) if change > 0 else min(0, max(part, remainder))
        sizes[version.name] += part
        remainder -= part
    if ordered:
        sizes[ordered[0].name] = max(0, sizes[ordered[0].name] + remainder)
    return {name: size for name, size in sizes.items() if size != next(v for v in active if v.name == name).size}
