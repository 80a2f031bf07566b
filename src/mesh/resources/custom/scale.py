"""The scale subresource of users' kinds (apiextensions.k8s.io/v1, CustomResourceSubresourceScale).

A definition says where its objects have their numbers of replicas, as simple paths below `.spec` and `.status`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mesh.resources.values.body import Body
from mesh.resources.values.problems import FieldError, required

LARGEST = (1 << 31) - 1
MISSING = object()
# By field of a definition: what its path must be below of, and whether there must be one.
BELOW = {
    "specReplicasPath": ((".spec",), True),
    "statusReplicasPath": ((".status",), True),
    "labelSelectorPath": ((".spec", ".status"), False),
}


@dataclass(frozen=True, slots=True)
class ScalePaths:
    """Where an object has its numbers of replicas, and its selector ("" for nowhere)."""

    replicas: str
    actual: str
    selector: str

    @classmethod
    def of(cls, scale: Mapping[str, Any]) -> "ScalePaths":
        """Reads `subresources.scale` of a valid definition."""
        return cls(scale["specReplicasPath"], scale["statusReplicasPath"], scale.get("labelSelectorPath") or "")

    def read(self, body: Body) -> tuple[int | None, int, str]:
        """The replicas that are asked for (None where the object does not say), those there are, and the selector."""
        desired, actual, selector = (_value(body, path) for path in (self.replicas, self.actual, self.selector))
        return (
            desired if _is_number(desired) else None,
            actual if _is_number(actual) else 0,
            selector if isinstance(selector, str) else "",
        )

    def scaled(self, body: Body, replicas: int) -> Body:
        """A copy of the object with another number of replicas. What is no map on the way there is left alone."""
        *parents, last = _names(self.replicas)
        copied = level = dict(body)
        for name in parents:
            inner = level.get(name, {})
            if not isinstance(inner, dict):
                return copied
            level[name] = dict(inner)
            level = level[name]
        level[last] = replicas
        return copied

    def check(self, body: Body) -> Iterator[FieldError]:
        """What keeps an object from being scaled. Kubernetes names the definition's path, with its dot."""
        for path in (self.replicas, self.actual):
            value = _value(body, path)
            if value is MISSING:
                continue
            if not _is_number(value):
                yield FieldError(path, f"is the number of replicas, and must be a whole number; it is {value!r:.80}")
            elif not 0 <= value <= LARGEST:
                yield FieldError(path, f"is the number of replicas; {value} is not between 0 and {LARGEST}")
        selector = _value(body, self.selector)
        if selector is not MISSING and not isinstance(selector, str):
            yield FieldError(self.selector, f"is the selector of pods, and must be a string; it is {selector!r:.80}")


def check_scale(scale: Any, path: str) -> Iterator[FieldError]:
    """Everything wrong with `subresources.scale` of a definition."""
    if not isinstance(scale, dict):
        yield FieldError(path, "is not a map")
        return
    for name, (parents, needed) in BELOW.items():
        value = scale.get(name)
        if not value:
            if needed:
                yield required(f"{path}.{name}")
        elif not isinstance(value, str) or "[" in value or not value.startswith(tuple(f"{p}." for p in parents)):
            yield FieldError(f"{path}.{name}", f"is not a path without brackets below {' or '.join(parents)}")


def _names(path: str) -> list[str]:
    return path.lstrip(".").split(".")


def _value(body: Any, path: str) -> Any:
    for name in _names(path) if path else ():
        if not isinstance(body, dict) or name not in body:
            return MISSING
        body = body[name]
    return body if path else MISSING


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
