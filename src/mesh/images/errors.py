"""What can go wrong with an image.

ImageError
├── BadReference    the image's name is not one
├── NotFound        the registry, archive or store has no such image
├── Denied          the registry wants other credentials
├── Unreachable     the registry does not answer, or with an error of its own; a later attempt may succeed
├── BadContent      what came is not what was announced, or not an image
│   └── TooLarge    one of the bounds of `mesh.images.limits` was passed
└── StoreFailed     the machine's own disk: full, read-only
"""


class ImageError(Exception):
    """Base of all errors of this package; the message is for people and names the image or the file."""


class BadReference(ImageError):
    pass


class NotFound(ImageError):
    pass


class Denied(ImageError):
    pass


class Unreachable(ImageError):
    pass


class BadContent(ImageError):
    pass


class TooLarge(BadContent):
    pass


class StoreFailed(ImageError):
    pass


BY_NAME: dict[str, type[ImageError]] = {
    kind.__name__: kind
    for kind in (ImageError, BadReference, NotFound, Denied, Unreachable, BadContent, TooLarge, StoreFailed)
}
