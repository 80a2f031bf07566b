"""Names of images, with the cases of distribution's own tests."""

import pytest

from mesh.images.errors import BadReference
from mesh.images.reference import Reference

DIGEST = f"sha256:{'ab' * 32}"


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("redis:7", "docker.io/library/redis:7"),
        ("shop/orders", "docker.io/shop/orders:latest"),
        ("docker.io/nginx", "docker.io/library/nginx:latest"),
        ("index.docker.io/nginx:1", "docker.io/library/nginx:1"),
        ("localhost/a", "localhost/a:latest"),
        ("localhost:5000/a/b:1.0", "localhost:5000/a/b:1.0"),
        ("[::1]:5000/a", "[::1]:5000/a:latest"),
        ("gcr.io/google-samples/x:v1", "gcr.io/google-samples/x:v1"),
        (f"nginx@{DIGEST}", f"docker.io/library/nginx@{DIGEST}"),
        (f"nginx:1@{DIGEST}", f"docker.io/library/nginx:1@{DIGEST}"),
        ("a/b__c--d.e", "docker.io/a/b__c--d.e:latest"),
    ],
)
def test_a_name_is_completed_as_docker_does(text: str, full: str) -> None:
    assert str(Reference.parse(text)) == full


@pytest.mark.parametrize(
    "text",
    [
        *("", "Nginx", "a:", "a:b:c", "a@sha256:12", "a b", "../a", "a//b", "a/../b", "/a", "a/", "-a", "a:.x", "a\nb"),
        *(f"{'a' * 256}", f"a:{'x' * 129}", "host:99999999/a", "a/b?x=y", "http://host/a", "a%2fb", "a@md5:abc"),
    ],
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(BadReference, match="image"):
        Reference.parse(text)


def test_a_digest_is_asked_for_before_a_tag() -> None:
    assert Reference.parse(f"a:1@{DIGEST}").selector == DIGEST
    assert Reference.parse("a:1").selector == "1"
