"""Whatever JSON is sent, in any field of any kind: an object that stays as it is, or a refusal that says why."""

import copy
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import inspect

from mesh.resources.analysis.references import check_references
from mesh.resources.kinds import REGISTRY
from mesh.resources.validation.manifest import parse, validate
from mesh.resources.values.problems import Invalid
from tests.support.places import EXAMPLE_FOLDER

EXAMPLES = [
    manifest.body for path in sorted(EXAMPLE_FOLDER.iterdir()) for manifest in parse(path.read_text(), path.name)
]
WORDS = st.sampled_from(
    ["", "a", "mesh", "v1", "http", "1s", "25%", "*", "*.a", "a.b", "TCP", "Always", "RollingUpdate", "(", "64Mi", "="]
)
TEXT = WORDS | st.text(max_size=6)
NUMBERS = st.sampled_from([-1, 0, 1, 80, 7000, 31004, 70000, 2**31, 2**53, 2**70])
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.floats() | TEXT | st.binary(max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT | NUMBERS, inner, max_size=2),
    max_leaves=4,
)


def like(kind: inspect.Type, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values that mostly fit a type: what is wrong with them is beyond their structure."""
    match kind:
        case inspect.StructType():
            return st.deferred(lambda: struct(kind, depth))
        case inspect.ListType():
            return st.lists(like(kind.item_type, depth + 1), max_size=2 if depth < 9 else 0)
        case inspect.DictType():
            return st.dictionaries(TEXT, like(kind.value_type, depth + 1), max_size=2)
        case inspect.UnionType():
            return st.one_of([like(type_, depth) for type_ in kind.types if not isinstance(type_, inspect.NoneType)])
        case inspect.StrType():
            return TEXT
        case inspect.IntType():
            return NUMBERS
        case inspect.BoolType():
            return st.booleans()
        case inspect.FloatType():
            return st.sampled_from([-1.0, 0.0, 50.5, 100, 101])
        case _:
            return ANYTHING


def struct(kind: inspect.StructType, depth: int) -> st.SearchStrategy[Any]:
    needed = {field.encode_name: like(field.type, depth + 1) for field in kind.fields if field.required}
    others = {field.encode_name: like(field.type, depth + 1) for field in kind.fields if not field.required}

    @st.composite
    def build(draw: st.DrawFn) -> dict[str, Any]:
        chosen = draw(st.lists(st.sampled_from(sorted(others)), max_size=4, unique=True)) if others else []
        return {name: draw((needed | others)[name]) for name in [*needed, *chosen]}

    return build()


@st.composite
def objects(draw: st.DrawFn) -> dict[str, Any]:
    definition = draw(st.sampled_from(REGISTRY.all()))
    body: dict[str, Any] = draw(like(inspect.type_info(definition.type)))
    body |= {"apiVersion": draw(st.sampled_from(definition.api_versions)), "kind": definition.kind}
    return body | {"metadata": {"name": draw(st.sampled_from(["a", "b"]))}}


def held(body: Any) -> None:
    try:
        found = validate(body, "mesh")
    except Invalid as error:
        assert error.errors
        assert str(error).strip()
        return
    json.dumps(found.body, allow_nan=False).encode()
    again = validate(found.body, "mesh")
    assert again.body == found.body
    # What is stored in another kind's form is read as that kind.
    assert again.typed == found.typed or found.definition.form_of is not None
    check_references([found.typed])


@given(objects())
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
def test_an_object_of_any_kind_is_taken_or_refused(body: dict[str, Any]) -> None:
    held(body)


@given(st.one_of(objects(), st.sampled_from(EXAMPLES).map(copy.deepcopy)), st.data())
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
def test_anything_may_stand_in_any_field(body: dict[str, Any], data: st.DataObject) -> None:
    at: Any = body
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(at[key], dict | list) or not at[key] or data.draw(st.integers(0, 4)) == 0:
            at[key] = data.draw(ANYTHING | NUMBERS | TEXT)
            break
        at = at[key]
    held(body)


@given(ANYTHING)
@settings(deadline=None)
def test_anything_at_all_is_taken_or_refused(body: Any) -> None:
    held(body)
