"""Text to documents: YAML as Kubernetes reads it, JSON, and what is bounded."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.resources.validation.documents import documents
from mesh.resources.values.problems import Invalid


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 2020-01-01", "2020-01-01"),
        ("a: 2020-01-01T10:00:00Z", "2020-01-01T10:00:00Z"),
        ("a: 12:30", "12:30"),
        ("a: 22:22:22.5", "22:22:22.5"),
        ("a: =", "="),
        ("a: 0x1F", 31),
        ("a: 0644", 420),
        ("a: 0o14", 12),
        ("a: 1_000", 1000),
        ("a: 1e3", 1000.0),
        ("a: 1.5", 1.5),
        ("a: .inf", ".inf"),
        ("a: .nan", ".nan"),
        ("a: 1.2.3", "1.2.3"),
        ("a: 127.0.0.1", "127.0.0.1"),
        ("a: yes", True),
        ("a: ~", None),
        ('a: "7000"', "7000"),
        ("a: |\n  x\n  y\n", "x\ny\n"),
        ("x: &x {b: 1}\na: {<<: *x, c: 2}", {"b": 1, "c": 2}),
        ('{"a": [1, "2", null]}', [1, "2", None]),
        ('{\t"a": 1}', 1),
    ],
)
def test_a_value_is_read_as_kubernetes_reads_it(text: str, value: object) -> None:
    [(body, _)] = documents(text)
    assert body["a"] == value
    assert type(body["a"]) is type(value)


def test_documents_come_with_the_line_they_begin_at() -> None:
    assert documents("a: 1\n---\n\n---\nb: 2\n---\n# nothing\n---\nc: 3\n") == [
        ({"a": 1}, 1),
        ({"b": 2}, 5),
        ({"c": 3}, 9),
    ]
    assert documents('{"a": 1}\n{"b": 2}\n') == [({"a": 1}, 1), ({"b": 2}, 2)]


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ("a: 1\nb: [", "f.yaml:3", "not YAML"),
        ("a: 1\na: 2", "f.yaml:2", 'duplicate field "a"'),
        ('{"a": 1,\n "a": 2}', "f.yaml:2", 'duplicate field "a"'),
        ("a:\n\tb: 1", "f.yaml:2", "not YAML"),
        ("a: !!binary aGk=", "f.yaml:1", "could not determine a constructor"),
        ("a: !!python/object:os.system x", "f.yaml:1", "could not determine a constructor"),
        ("a: !!set {b, c}", "f.yaml:1", "could not determine a constructor"),
        ("? [a, b]\n: 1", "f.yaml:1", "a key is a map or list"),
        ("a: *b", "f.yaml:1", "undefined alias"),
        ("&a [*a]", "f.yaml", "more than 500000 values"),
        ("a: " + "9" * 5000, "f.yaml", "not YAML"),
        ("a: \x00", "f.yaml", "not YAML"),
        ("[" * 20_000, "f.yaml", "not YAML"),
        ("a: \ud800", "f.yaml", "not YAML"),
        ("---\na: 1\n" * 10_001, "f.yaml", "more than 10000 documents"),
        ("#" * (3 << 20) + "#", "f.yaml", "at most"),
    ],
)
def test_text_that_cannot_be_read_is_refused_with_its_place(text: str, where: str, says: str) -> None:
    with pytest.raises(Invalid) as caught:
        documents(text, "f.yaml")
    assert str(caught.value).startswith(f"{where}:")
    assert says in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcdefg1-:", max_size=4), inner, max_size=3),
    max_leaves=10,
)


@given(JSON.filter(lambda value: isinstance(value, dict | list)))
def test_json_is_read_as_json(value: object) -> None:
    assert [body for body, _ in documents(json.dumps(value))] == [value]


@given(st.text(st.sampled_from("{}[]:,-&*!|>'\"#%@ \n\tab1.<="), max_size=60))
def test_any_text_gives_documents_or_a_refusal(text: str) -> None:
    try:
        documents(text, "f")
    except Invalid as error:
        assert str(error).startswith("f")
