"""What is wrong with rules, told without applying them: the checks that Istio's analyzer is known for. Pure.

Each message has the name that Istio's analyzer gives it where it has one.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from mesh.resources.analysis.references import check_references
from mesh.resources.core.config import Secret
from mesh.resources.istio.virtual_service import VirtualService
from mesh.resources.kinds import REGISTRY
from mesh.resources.values.meta import Resource, ref_of
from mesh.resources.values.problems import FieldError
from mesh.resources.values.ref import Ref

# What an apply only warns of, since it may come later, and what is wrong when it is said to be all there is.
MISSING = frozenset(("ReferencedResourceNotFound", "PortNotFound"))


@dataclass(frozen=True, slots=True)
class Message:
    """`code` is the check's name."""

    severity: Literal["error", "warning"]
    code: str
    error: FieldError

    def __str__(self) -> str:
        return f"{self.severity}: {self.error} [{self.code}]"


def analyze(objects: Iterable[Resource], about: Collection[Ref] | None = None) -> list[Message]:
    """All that can be said of these objects together; `about` keeps what is about some of them."""
    everything = list(objects)
    found = list(_messages(everything))
    return [each for each in found if about is None or each.error.ref in about]


def _messages(everything: list[Resource]) -> Iterator[Message]:
    for each in everything:
        ref = ref_of(each)
        definition = REGISTRY.by_kind(ref.group, ref.kind)
        for advice in definition.advise(each) if definition is not None else ():
            code = "VirtualServiceUnreachableRule" if isinstance(each, VirtualService) else "Advice"
            yield Message("warning", code, FieldError(advice.path, advice.message, ref))
    secrets = {(each.metadata.namespace, each.metadata.name) for each in everything if isinstance(each, Secret)}
    for finding in check_references(everything, secrets):
        severity = "error" if finding.severity == "error" or finding.code in MISSING else "warning"
        yield Message("error" if severity == "error" else "warning", finding.code, finding.error)
