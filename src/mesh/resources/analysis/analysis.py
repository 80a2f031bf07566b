"""What is wrong with rules, without applying them: the checks of Istio's analyzer. Pure.

Messages have the names that Istio's analyzer gives them, where it has one.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from mesh.resources.analysis.finding import numbered
from mesh.resources.analysis.references import check_references
from mesh.resources.analysis.rule_references import Secrets
from mesh.resources.analysis.workloads import check_workloads
from mesh.resources.core.config import Secret
from mesh.resources.istio.virtual_service import VirtualService
from mesh.resources.kinds import REGISTRY
from mesh.resources.values.meta import Resource, ref_of
from mesh.resources.values.problems import FieldError
from mesh.resources.values.ref import Ref

# An apply only warns of these, since the missing object may come later. To an analysis there is no later.
MISSING = frozenset(("ReferencedResourceNotFound", "PortNotFound", "InvalidGatewayCredential"))


@dataclass(frozen=True, slots=True)
class Message:
    """`code` is the name of the check."""

    severity: Literal["error", "warning"]
    code: str
    error: FieldError

    def __str__(self) -> str:
        return f"{self.severity}: {self.error} [{numbered(self.code)}]"


def analyze(objects: Iterable[Resource], about: Collection[Ref] | None = None) -> list[Message]:
    """Everything wrong with these objects together; `about` limits the messages to some of them."""
    everything = list(objects)
    messages = list(_messages(everything))
    return [message for message in messages if about is None or message.error.ref in about]


def _messages(everything: list[Resource]) -> Iterator[Message]:
    for typed in everything:
        ref = ref_of(typed)
        definition = REGISTRY.by_kind(ref.group, ref.kind)
        for advice in definition.advise(typed) if definition is not None else ():
            code = "VirtualServiceUnreachableRule" if isinstance(typed, VirtualService) else "Advice"
            yield Message("warning", code, FieldError(advice.path, advice.message, ref))
    secrets = Secrets.of(typed for typed in everything if isinstance(typed, Secret))
    for finding in [*check_references(everything, secrets), *check_workloads(everything)]:
        severity = "error" if finding.severity == "error" or finding.code in MISSING else "warning"
        yield Message("error" if severity == "error" else "warning", finding.code, finding.error)
