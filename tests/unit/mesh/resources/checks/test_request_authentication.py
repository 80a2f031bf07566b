"""RequestAuthentications: what Istio's webhook refuses, and keys by which no token can be verified."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from mesh.resources.checks.request_authentication import wrong_keys

Errors = Callable[[dict[str, Any], Mapping[str, Any]], dict[str, str]]
RULE: dict[str, Any] = {
    "apiVersion": "security.istio.io/v1",
    "kind": "RequestAuthentication",
    "metadata": {"name": "a"},
    "spec": {"jwtRules": [{"issuer": "me", "jwksUri": "https://example.com/keys"}]},
}
J = "spec.jwtRules[0]"
SYMMETRIC = {"kty": "oct", "k": "c2VjcmV0"}
CURVE = {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43}


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({f"{J}.issuer": ""}, f"{J}.issuer"),
        ({f"{J}.audiences": ["a", ""]}, f"{J}.audiences[1]"),
        ({f"{J}.jwks": "{}"}, f"{J}.jwks"),
        ({f"{J}.jwksUri": ""}, f"{J}.jwks"),
        ({f"{J}.jwksUri": "ftp://example.com"}, f"{J}.jwksUri"),
        ({f"{J}.jwksUri": "keys.json"}, f"{J}.jwksUri"),
        ({f"{J}.fromHeaders": [{"name": "a b"}]}, f"{J}.fromHeaders[0].name"),
        ({f"{J}.outputPayloadToHeader": "a b"}, f"{J}.outputPayloadToHeader"),
        ({f"{J}.fromParams": [""]}, f"{J}.fromParams[0]"),
        ({f"{J}.outputClaimToHeaders": [{"header": "x", "claim": ""}]}, f"{J}.outputClaimToHeaders[0].claim"),
        ({f"{J}.presence": "ALWAYS"}, f"{J}.presence"),
        ({f"{J}.timeout": "5"}, f"{J}.timeout"),
    ],
)
def test_it_is_refused_by_the_path_of_what_is_wrong(errors_of: Errors, fields: dict[str, Any], path: str) -> None:
    assert list(errors_of(RULE, fields)) == [path]


def test_a_good_rule_is_accepted(errors_of: Errors) -> None:
    assert errors_of(RULE, {f"{J}.fromHeaders": [{"name": "x-token", "prefix": "Bearer "}], f"{J}.timeout": "5s"}) == {}


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ([SYMMETRIC], ""),
        ([CURVE], ""),
        ([{"kty": "unheard-of"}, SYMMETRIC], ""),
        ([{"kty": "unheard-of"}], "no key of a"),
        ([], "no key of a"),
        ([{"k": "x"}], "keys[0]: has no kty"),
        (["x"], "keys[0]: has no kty"),
        ([{"kty": "oct"}], "has no k,"),
        ([{"kty": "oct", "k": "&"}], "is not base64url"),
        ([{**CURVE, "crv": "P-1"}], "crv is 'P-1'"),
        ([{**CURVE, "x": "AA"}], "x has 1 bytes"),
        ([{"kty": "RSA", "n": "AA", "e": "AQAB"}], "n has 1 bytes"),
    ],
)
def test_keys_must_be_usable(keys: list[Any], says: str) -> None:
    wrong = wrong_keys(json.dumps({"keys": keys}))
    assert (says in wrong) if says else wrong == ""


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"keys": {}}'])
def test_what_is_no_key_set_is_refused(text: str) -> None:
    assert wrong_keys(text)
