"""What is wrong with an object once some of its fields are set."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from mesh.resources.validation.manifest import validate
from mesh.resources.values.problems import Invalid
from tests.support.objects import Body, with_fields


@pytest.fixture
def errors_of() -> Callable[[Body, Mapping[str, Any]], dict[str, str]]:
    """What is wrong with an object once some fields are set: message by path."""

    def errors(body: Body, fields: Mapping[str, Any]) -> dict[str, str]:
        try:
            validate(with_fields(body, fields), "mesh")
        except Invalid as error:
            return {item.path: item.message for item in error.errors}
        return {}

    return errors
