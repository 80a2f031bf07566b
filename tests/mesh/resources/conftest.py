"""Objects to vary: `with_fields(RULE, {"spec.http[0].timeout": "5"})`, and what is wrong with the result."""

import copy
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from mesh.resources.validation.manifest import validate
from mesh.resources.values.problems import Invalid

Body = dict[str, Any]


def with_fields(body: Body, fields: Mapping[str, Any]) -> Body:
    """A copy with fields set by their path."""
    changed = copy.deepcopy(body)
    for path, value in fields.items():
        at: Any = changed
        *parts, last = [int(part) if part.isdecimal() else part for part in re.findall(r"[^.\[\]]+", path)]
        for part in parts:
            at = at.setdefault(part, {}) if isinstance(at, dict) else at[part]
        at[last] = value
    return changed


@pytest.fixture
def errors_of() -> Callable[[Body, Mapping[str, Any]], dict[str, str]]:
    """What is wrong with an object once some fields are set: message by path."""

    def errors(body: Body, fields: Mapping[str, Any]) -> dict[str, str]:
        try:
            validate(with_fields(body, fields), "mesh")
        except Invalid as error:
            return {each.path: each.message for each in error.errors}
        return {}

    return errors
