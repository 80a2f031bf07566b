"""Label selectors of objects (Kubernetes' LabelSelector)."""

from collections.abc import Mapping

from mesh.resources.values.meta import LabelSelector


def selects(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """Whether a selector selects what has these labels; an empty one selects everything."""
    if any(labels.get(name) != value for name, value in selector.match_labels.items()):
        return False
    return all(
        matches(requirement.operator, labels.get(requirement.key), requirement.values)
        for requirement in selector.match_expressions
    )


def matches(operator: str, value: str | None, values: list[str]) -> bool:
    """Whether a requirement holds for a label's value, None when there is no such label.

    NotIn holds also where the label is missing, as in Kubernetes.
    """
    if operator in ("Exists", "DoesNotExist"):
        return (value is not None) == (operator == "Exists")
    return (value in values) == (operator == "In")
