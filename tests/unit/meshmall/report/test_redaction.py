"""No secret gets into a report."""

import base64

import pytest

from meshmall.report.document import Document, Section
from meshmall.report.redaction import redacted, redacted_document, secret_values

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJmb3gifQ.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("DB_PASSWORD=hunter22 next", "DB_PASSWORD=[redacted] next"),
        ('{"apiKey": "a b c", "x": 1}', '{"apiKey": [redacted], "x": 1}'),
        ("GET /login?user=fox&access_token=abc&x=1", "GET /login?user=fox&access_token=[redacted]&x=1"),
        ("connect postgres://shop:hunter22@db/shop", "connect postgres://[redacted]@db/shop"),
        (f"token {JWT} was refused", "token [redacted] was refused"),
        ("Cookie: user=fox; sid=abc", "Cookie: [redacted]"),
        ("X-Auth-Token: abc def", "X-Auth-Token: [redacted] def"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\nend", "[redacted]\nend"),
        ("-----BEGIN EC PRIVATE KEY-----\ncut off", "[redacted]"),
        ("a supersecretvalue here", "a [redacted] here"),
        ("nothing of the kind: http://mall:7000/api", "nothing of the kind: http://mall:7000/api"),
    ],
)
def test_what_looks_like_a_secret_goes(text: str, clean: str) -> None:
    assert redacted(text, ["supersecretvalue"]) == clean


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "Basic"])
def test_credentials_of_a_request_go(scheme: str) -> None:
    assert "YWxhZGRpbjpvcGVu" not in redacted(f"Authorization: {scheme} YWxhZGRpbjpvcGVu", [])


def test_the_values_of_secrets_are_known_as_they_are_and_encoded() -> None:
    encoded = base64.b64encode(b"supersecretvalue").decode()
    values = secret_values([{"data": {"a": encoded, "short": base64.b64encode(b"on").decode()}}, {}])
    assert {"supersecretvalue", encoded} <= set(values)
    assert "on" not in values
    assert values == sorted(values, key=len, reverse=True)


def test_every_part_of_a_report_is_cleaned() -> None:
    secret = "supersecretvalue"
    section = Section(f"t {secret}", [f"l {secret}"], ("H",), [[f"c {secret}"]], f"x {secret}")
    document = redacted_document(Document("r", [("n", secret)], [f"p {secret}"], [section]), [secret])
    assert secret not in repr(document)
    assert repr(document).count("[redacted]") == 6
