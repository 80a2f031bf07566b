"""`exportTo` of Istio's rules: to which namespaces they are visible."""

from collections.abc import Iterator, Sequence

from mesh.resources.values.names import wrong_label
from mesh.resources.values.problems import FieldError, duplicate

PUBLIC, PRIVATE, NOBODY = "*", ".", "~"


def check_exports(export_to: Sequence[str], namespace: str, *, may_be_hidden: bool = False) -> Iterator[FieldError]:
    """`may_be_hidden`: "~" alone, which hides a ServiceEntry from everybody, is valid."""
    if may_be_hidden and list(export_to) == [NOBODY]:
        return
    seen: set[str] = set()
    for number, name in enumerate(export_to):
        path = f"spec.exportTo[{number}]"
        if name not in (PUBLIC, PRIVATE) and wrong_label(name):
            yield FieldError(path, f'"{name[:80]}" is not a namespace, "." (the object\'s own) or "*" (all)')
        own = namespace if name == PRIVATE else name
        if own in seen:
            yield duplicate(path, name)
        seen.add(own)
    if PUBLIC in seen and len(seen) > 1:
        yield FieldError("spec.exportTo", 'cannot have other namespaces beside "*", which is all of them')
