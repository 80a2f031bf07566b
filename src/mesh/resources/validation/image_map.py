"""What images stand for on a machine that pulls none: the text of an `images.yaml`, or of a ConfigMap that holds one.

    images:
      - image: "docker.io/istio/examples-bookinfo-reviews-*"
        command: [python, reviews.py, --port, $(PORT)]
        workingDir: programs
        env: {STARS: black}

`image` is a pattern as of a shell (`*`, `?`, `[abc]`), held against the whole image as the container names it, and
against the same without its tag and digest. The first mapping that matches is taken.
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
"""The ConfigMap of a namespace that comes before the file."""

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
    """The mappings in YAML or JSON text, in their order. Raises Invalid with the paths of all that is wrong."""
    if len(text) > LARGEST:
        raise Invalid([FieldError("", f"{len(text)} characters; at most {LARGEST}")])
    found = documents(text)
    if not found:
        return []
    if len(found) > 1:
        raise Invalid([FieldError("", "contains several documents; only one is read")])
    body = plain(found[0][0])
    if not isinstance(body, dict):
        raise Invalid([FieldError("", f"a {type(body).__name__}, not an object with the field images")])
    if errors := check(body, _Images).errors:
        raise Invalid(errors)
    mappings = msgspec.convert(body, _Images).images
    if errors := _wrong(mappings):
        raise Invalid(errors)
    return mappings


def first_match(mappings: Sequence[ImageMapping], image: str) -> ImageMapping | None:
    """The mapping that is taken for an image."""
    return next((each for each in mappings if each.matches(image)), None)


def check_images(config: ConfigMap) -> Iterator[FieldError]:
    """What is wrong with a ConfigMap that holds mappings; nothing with any other."""
    if config.metadata.name != CONFIG_MAP:
        return
    if KEY not in config.data:
        yield FieldError("data", f'has no key "{KEY}", and {CONFIG_MAP} is read for it')
        return
    at = f"data[{KEY}]"
    try:
        mappings = read_images(config.data[KEY])
    except Invalid as error:
        told = f"{error.source}: " if error.source else ""
        for each in error.errors:
            yield FieldError(f"{at}.{each.path}" if each.path else at, told + each.message)
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
