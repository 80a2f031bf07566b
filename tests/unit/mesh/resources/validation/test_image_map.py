"""What an images.yaml may hold, and which mapping an image takes."""

import pytest

from mesh.resources.validation.image_map import first_match, read_images
from mesh.resources.validation.manifest import validate
from mesh.resources.values.problems import Invalid

TWO = """
images:
  - {image: "docker.io/istio/reviews-v[12]", command: [python, reviews.py], env: {STARS: black}}
  - {image: "*/redis*", command: [redis-server]}
  - {image: "*", command: [sleep, "60"]}
"""


@pytest.mark.parametrize(
    ("image", "program"),
    [
        ("docker.io/istio/reviews-v1", "python"),
        ("docker.io/istio/reviews-v2:1.20.1", "python"),
        ("docker.io/istio/reviews-v2@sha256:0f0f", "python"),
        ("docker.io/istio/reviews-v3:1.20.1", "sleep"),
        ("localhost:5000/redis", "redis-server"),
        ("redis:7", "sleep"),
        ("quay.io/redis:7-alpine", "redis-server"),
    ],
)
def test_the_first_pattern_that_matches_is_taken_and_a_tag_may_be_left_out(image: str, program: str) -> None:
    found = first_match(read_images(TWO), image)
    assert found is not None
    assert found.command[0] == program


def test_a_pattern_with_a_tag_is_for_that_tag_alone() -> None:
    mappings = read_images('images: [{image: "redis:7*", command: [redis-server]}]')
    assert first_match(mappings, "redis:7.2") is not None
    assert first_match(mappings, "redis:6") is None
    assert first_match(mappings, "redis") is None


def test_an_empty_text_maps_nothing() -> None:
    assert read_images("# nothing yet\n") == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("images: [{image: a}]", "images[0].command: "),
        ("images: [{image: a, command: []}]", "images[0].command: is empty"),
        ("images: [{image: '', command: [a]}]", "images[0].image: is empty"),
        ("images: [{image: a, comand: [a]}]", 'did you mean "command"?'),
        ("images: [{image: a, command: [a], env: {PORT: 80}}]", "images[0].env[PORT]: 80 is not a string"),
        ("images: [{image: a, command: [a], env: {'1 x': a}}]", "not a variable's name"),
        ("- image: a", "a list, not an object with the field images"),
        ("images: [", "not YAML"),
        ("images: []\n---\nimages: []", "several documents"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(text: str, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_images(text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"images.yaml": "images: [{image: a}]"}, "data[images.yaml].images[0].command: "),
        (
            {"images.yaml": "images: [{image: a, command: [a], workingDir: here}]"},
            'data[images.yaml].images[0].workingDir: "here" is not absolute',
        ),
        ({"image.yaml": "images: []"}, 'has no key "images.yaml"'),
    ],
)
def test_a_config_map_of_mappings_is_refused_when_it_is_wrong(data: dict[str, str], said: str) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "meshmall-images"}, "data": data}
    with pytest.raises(Invalid) as caught:
        validate(body, "mesh")
    assert said in str(caught.value)
    validate({**body, "metadata": {"name": "other"}}, "mesh")
