"""`exportTo`: what Istio's webhook refuses."""

import pytest

from mesh.resources.checks.exports import check_exports


@pytest.mark.parametrize("names", [[], ["*"], ["."], ["a"], [".", "a"], ["a", "b"]])
def test_namespaces_that_can_be_named(names: list[str]) -> None:
    assert list(check_exports(names, "mesh")) == []


@pytest.mark.parametrize(
    ("names", "path", "message"),
    [
        (["~"], "spec.exportTo[0]", "is not a namespace"),
        ([""], "spec.exportTo[0]", "is not a namespace"),
        (["a_b"], "spec.exportTo[0]", "is not a namespace"),
        (["a", "a"], "spec.exportTo[1]", "duplicate"),
        ([".", "mesh"], "spec.exportTo[1]", "duplicate"),
        (["*", "a"], "spec.exportTo", "all of them"),
    ],
)
def test_what_istio_refuses_is_refused_at_its_field(names: list[str], path: str, message: str) -> None:
    (error,) = check_exports(names, "mesh")
    assert error.path == path
    assert message in error.message


def test_a_service_entry_may_be_hidden_from_everybody() -> None:
    assert list(check_exports(["~"], "mesh", may_be_hidden=True)) == []
