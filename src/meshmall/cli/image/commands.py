"""The commands of `meshmall image`, their options and help."""

from typing import Annotated

from meshmall.cli.declare import Argument, Group, Option
from meshmall.cli.options import HomeOption, JsonOutputOption, NamespaceOption, common, context_of

HELP = """Images that containers run from, without a container engine.

What a manifest names is pulled when a pod needs it; these commands do it before, from archives, and clean up.
"""

image = Group(HELP, name="image", everywhere=common)


@image.command()
def pull(
    names: Annotated[list[str], Argument(help="For example redis:7, or localhost:5000/shop/orders:1.0.")],
    home: HomeOption = None,
) -> None:
    """Fetch images from their registries, or from a Docker or Podman of this machine."""
    from meshmall.cli.image.run import pull_images  # noqa: PLC0415

    pull_images(context_of(home), names)


@image.command()
def load(
    path: Annotated[str, Argument(help="A docker save archive, or an OCI layout as a folder or an archive.")],
    home: HomeOption = None,
    tag: Annotated[str, Option("--tag", metavar="NAME:TAG", help="Under which name; needed where it has none.")] = "",
) -> None:
    """Take images from an archive or an OCI layout."""
    from meshmall.cli.image.run import load_images  # noqa: PLC0415

    load_images(context_of(home), path, tag)


@image.command("list")
def list_(home: HomeOption = None, output: JsonOutputOption = "text") -> None:
    """List the images on disk."""
    from meshmall.cli.image.run import list_images  # noqa: PLC0415

    list_images(context_of(home), output)


@image.command()
def prune(
    home: HomeOption = None,
    namespace: NamespaceOption = None,
    unused_for: Annotated[
        str, Option("--unused-for", metavar="DURATION", help="Only images not used for so long. Default: 0s.")
    ] = "0s",
) -> None:
    """Remove images that no pod uses, and layers that no image needs."""
    from meshmall.cli.image.run import prune_images  # noqa: PLC0415

    prune_images(context_of(home, namespace), unused_for)
