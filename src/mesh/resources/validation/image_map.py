"""Which program runs for an image, on a machine that pulls none: an `images.yaml`, or a ConfigMap that contains one.

    images:
      - image: "docker.io/istio/examples-bookinfo-reviews-*"
        command: [python, reviews.py, --port, $(PORT)]
        workingDir: programs
        env: {STARS: black}

`image` is a shell pattern (`*`, `?`, `[abc]`), compared with the image as the container names it, and with the same
without its tag and digest. The first mapping that matches is used.
"""

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePath

import msgspec

from mesh.resources.core.config import ConfigMap
from mesh.resources.validation.documents import documents
from mesh.resources.validation.structure import check, plain
from mesh.resources.values.meta import Part
from mesh.resources.values.names import ENV_NAME
from mesh.resources.values.problems import FieldError, Invalid

CONFIG_MAP = "meshmall-images"
"""The ConfigMap of a namespace; it takes precedence over the file."""

KEY = "images.yaml"
"""The key of its data, and the file's name in the mesh's home."""

LARGEST = 256 << 10
MOST = 1000
_TAG = re.compile(r"(?::[\w][\w.-]*)?(?:@[\w.+-]+:[0-9a-fA-F]+)?\Z")


class ImageMapping(Part, frozen=True):
    """What one pattern stands for.

    `command` and `args` are an image's ENTRYPOINT and CMD: a container's own `args` take the place of `args`, or of
    a word `$(ARGS)` where there is one. `$(PORT)`, `$(POD_IP)` and every other variable of the container may be used
    in `command`, `args` and `env`. `workingDir`, when it is set, is taken before the container's own, which means a
    folder within the image.
    """

    image: str
    command: list[str]
    args: list[str] = []
    working_dir: str = ""
    env: dict[str, str] = {}

    def matches(self, image: str) -> bool:
        """Whether it is for this image."""
        return fnmatchcase(image, self.image) or fnmatchcase(_TAG.sub("", image), self.image)


class _Images(Part, frozen=True):
    images: list[ImageMapping]


def read_images(text: str) -> list[ImageMapping]:
    """The mappings in YAML or JSON text, in order. Raises Invalid with the path of everything that is wrong."""
    if len(text) > LARGEST:
        raise Invalid([FieldError("", f"{len(text)} characters; at most {LARGEST}")])
    bodies = documents(text)
    if not bodies:
        return []
    if len(bodies) > 1:
        raise Invalid([FieldError("", "contains several documents; only one is read")])
    body = plain(bodies[0][0])
    if not isinstance(body, dict):
        raise Invalid([FieldError("", f"a {type(body).__name__}, not an object with the field images")])
    findings = check(body, _Images)
    if errors := [*findings.errors, *findings.unknown]:
        raise Invalid(errors)
    mappings = msgspec.convert(body, _Images).images
    if errors := _wrong(mappings):
        raise Invalid(errors)
    return mappings


def first_match(mappings: Sequence[ImageMapping], image: str) -> ImageMapping | None:
    """The mapping used for an image."""
    return next((mapping for mapping in mappings if mapping.matches(image)), None)


def check_images(config: ConfigMap) -> Iterator[FieldError]:
    """What is wrong with a ConfigMap that contains mappings; nothing for any other ConfigMap."""
    if config.metadata.name != CONFIG_MAP:
        return
    if KEY not in config.data:
        yield FieldError("data", f'has no key "{KEY}", which {CONFIG_MAP} must have')
        return
    at = f"data[{KEY}]"
    try:
        mappings = read_images(config.data[KEY])
    except Invalid as error:
        prefix = f"{error.source}: " if error.source else ""
        for wrong in error.errors:
            yield FieldError(f"{at}.{wrong.path}" if wrong.path else at, prefix + wrong.message)
        return
    for number, mapping in enumerate(mappings):
        folder = mapping.working_dir
        if folder and not PurePath(folder).is_absolute():
            where = f"{at}.images[{number}].workingDir"
            yield FieldError(where, f'"{folder}" is not absolute (for example, "/home/me/{folder}")')


def _wrong(mappings: Sequence[ImageMapping]) -> list[FieldError]:
    if len(mappings) > MOST:
        return [FieldError("images", f"{len(mappings)} mappings; at most {MOST}")]
    errors = []
    for number, mapping in enumerate(mappings):
        at = f"images[{number}]"
        if not mapping.image:
            errors.append(FieldError(f"{at}.image", 'is empty; use a pattern such as "docker.io/library/redis:*"'))
        if not mapping.command or not mapping.command[0]:
            errors.append(FieldError(f"{at}.command", "is empty; name a program of this machine"))
        errors += [
            FieldError(f"{at}.env", f'"{name}" is not a variable\'s name')
            for name in mapping.env
            if not ENV_NAME.fullmatch(name)
        ]
        words = (*mapping.command, *mapping.args, mapping.working_dir, *mapping.env.values())
        if any("\0" in word for word in words):
            errors.append(FieldError(at, "contains a NUL character"))
    return errors
