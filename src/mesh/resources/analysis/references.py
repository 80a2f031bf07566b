"""Do rules name what is there? Checked over all objects as they would be after a change."""

from collections.abc import Iterable

from mesh.resources.analysis.finding import Finding
from mesh.resources.analysis.rule_references import RuleTargets, Secrets
from mesh.resources.kinds import REGISTRY
from mesh.resources.values.meta import Resource, ref_of


def check_references(objects: Iterable[Resource], secrets: Secrets | None = None) -> list[Finding]:
    """Everything that rules name and that does not exist, in the order of the objects.

    `secrets` are those there are; None: Gateways' certificates are not looked for.
    """
    everything = list(objects)
    targets = RuleTargets.of(everything, secrets)
    findings: list[Finding] = []
    for typed in everything:
        definition = REGISTRY.by_kind(*ref_of(typed).group_kind)
        if definition is not None and definition.check_references is not None:
            findings += definition.check_references(typed, targets)
    return findings
