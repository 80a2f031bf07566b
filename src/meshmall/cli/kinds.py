"""What a person means by a kind's name and an object's: `pods`, `deploy/mall-v1`, `bk` of a kind of their own."""

from mesh.daemon.failure import Failure
from mesh.resources.kind_definition import KindDefinition
from mesh.resources.kinds import REGISTRY
from mesh.resources.registry import Registry
from mesh.resources.values.ref import Ref
from meshmall.cli.context import Context


def kind_named(context: Context, word: str) -> KindDefinition:
    """The kind that a word means: `pods`, `pod`, `po`, or `gateways.gateway.networking.k8s.io` where two share it.

    Raises Failure with the names there are.
    """
    if (definition := _by_name(REGISTRY, word)) is not None:
        return definition
    # Only the server knows the kinds that users have defined; asking for them costs a call.
    registry = context.client.kinds()
    if (definition := _by_name(registry, word)) is not None:
        return definition
    plurals = ", ".join(sorted({definition.plural for definition in registry.all()}))
    raise Failure(f'unknown kind "{word}"', f"use one of: {plurals}, all")


def refs_named(context: Context, words: list[str], usage: str) -> list[Ref]:
    """The objects that `KIND NAME...` or `KIND/NAME...` name. Raises Failure that shows the usage."""
    if any("/" in word for word in words):
        pairs = [word.partition("/")[::2] for word in words]
        if not all(kind and name for kind, name in pairs):
            raise Failure(f"{' '.join(words)}: either all are KIND/NAME or none is", f"use {usage}", code=2)
    elif len(words) > 1:
        pairs = [(words[0], name) for name in words[1:]]
    else:
        raise Failure(f"{' '.join(words) or 'nothing'}: names no object", f"use {usage}", code=2)
    refs = []
    for kind, name in pairs:
        definition = kind_named(context, kind)
        refs.append(Ref(*definition.group_kind, context.namespace if definition.namespaced else "", name))
    return refs


def _by_name(registry: Registry, word: str) -> KindDefinition | None:
    name = word.lower()
    for definition in registry.all():
        names = {definition.plural, definition.singular, definition.kind.lower(), *definition.short_names}
        # `gateway.networking.istio.io` is how `-o name` prints it.
        if name in names or name in {f"{own}.{definition.group}" for own in names}:
            return definition
    return None
