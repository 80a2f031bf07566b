"""Regular expressions that Envoy's RE2 takes, and what is said about the others."""

import pytest

from mesh.resources.values.regex import wrong_regex


@pytest.mark.parametrize(
    "text",
    [
        ".*",
        r"^(.*;\s*)?user=jason(;.*)?$",
        r"(?i)abc",
        r"(?i:a)b(?:c|d)",
        r"(?P<name>\w+)",
        "[^]a-z]+",
        "[[:alpha:]_]{2,3}",
        r"[\]\\]",
        r"\Q(((\E",
        r"\pN\x{10FFFF}",
        "a{,3}",
        "{a}",
        "a+?b*?c??d{1,2}?",
        "^*",
        "(a{10}b{1000}|c{30}){1}",
        "((a{10}){10}){10}",
        "(a{1000})*",
        "",
    ],
)
def test_what_re2_takes_is_taken(text: str) -> None:
    assert wrong_regex(text) == ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("*", '"*" repeats nothing (".*" matches any text)'),
        ("a|*", "repeats nothing"),
        ("(+a)", "repeats nothing"),
        ("a**", "repeats nothing"),
        ("a++", "repeats nothing"),
        ("(a", '"(" is not closed'),
        ("a)", '")" closes nothing'),
        ("[a", '"[" is not closed'),
        ("[]", '"[" is not closed'),
        ("[a\\", '"[" is not closed'),
        ("a\\", 'ends in "\\"'),
        ("(?=a)", "looks around"),
        ("(?<!a)b", "looks around"),
        (r"(a)\1", "back reference"),
        ("(?>a)", "is not supported by RE2"),
        ("a{2,1}", "is not a repetition"),
        ("a{1001}", "is not a repetition"),
        ("(a{1000}){1000}", "1000000 repetitions"),
        ("(x(a{2,40}b){5}){6}", "1200 repetitions"),
        ("a" * 1025, "at most 1024"),
    ],
)
def test_what_re2_refuses_is_named(text: str, says: str) -> None:
    assert says in wrong_regex(text)
