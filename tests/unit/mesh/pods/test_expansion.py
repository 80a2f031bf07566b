"""$(NAME) in commands and variables."""

import pytest

from mesh.pods.expansion import expand


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$(NAME)", "mall"),
        ("a$(NAME)b$(NAME)", "amallbmall"),
        ("$(MISSING)", "$(MISSING)"),
        ("$$(NAME)", "$(NAME)"),
        ("$$$(NAME)", "$mall"),
        ("$NAME $", "$NAME $"),
        ("$(NAME", "$(NAME"),
        ("$(OUTER)", "$(NAME)"),
    ],
)
def test_expansion_is_kubernetes_own(text: str, expected: str) -> None:
    assert expand(text, {"NAME": "mall", "OUTER": "$(NAME)"}) == expected
