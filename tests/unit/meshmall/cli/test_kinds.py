"""Kinds and objects as people name them."""

from pathlib import Path

import pytest

from mesh.daemon.failure import Failure
from mesh.resources.values.ref import Ref
from meshmall.cli.kinds import refs_named
from tests.support.commands import FakeClient, context_with


def test_objects_are_named_in_both_of_kubectls_ways(tmp_path: Path) -> None:
    context = context_with(FakeClient(), tmp_path, "shop")
    pods = [Ref("", "Pod", "shop", "a"), Ref("", "Pod", "shop", "b")]
    assert refs_named(context, ["pods", "a", "b"], "") == pods
    assert refs_named(context, ["po/a", "pod/b"], "") == pods
    assert refs_named(context, ["deploy/a", "ns/b"], "") == [
        Ref("apps", "Deployment", "shop", "a"),
        Ref("", "Namespace", "", "b"),
    ]


@pytest.mark.parametrize("words", [[], ["pod"], ["pod/a", "b"], ["pod/"], ["/a"]])
def test_anything_else_is_an_error_that_shows_the_usage(tmp_path: Path, words: list[str]) -> None:
    with pytest.raises(Failure) as failure:
        refs_named(context_with(FakeClient(), tmp_path), words, "meshmall delete KIND NAME")
    assert failure.value.code == 2
    assert "meshmall delete KIND NAME" in failure.value.remedy
