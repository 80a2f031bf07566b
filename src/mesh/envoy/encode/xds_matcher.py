"""Envoy's generic matcher (xds.type.matcher.v3): predicates over what is known of a connection or request."""

from collections.abc import Sequence
from typing import TypeAlias

from xds.core.v3 import extension_pb2
from xds.type.matcher.v3 import matcher_pb2

from mesh.envoy.encode.protobuf import packed

Predicate: TypeAlias = matcher_pb2.Matcher.MatcherList.Predicate


def extension(name: str, message: object) -> extension_pb2.TypedExtensionConfig:
    """An input or action under a name that Envoy shows in its errors."""
    return extension_pb2.TypedExtensionConfig(name=name, typed_config=packed(message))


def single(
    name: str, read: object, *, exact: str = "", prefix: str = "", suffix: str = "", regex: str = ""
) -> Predicate:
    """One input held against one value; exactly one of the ways to compare is given."""
    predicate = Predicate()
    condition = predicate.single_predicate
    condition.input.CopyFrom(extension(name, read))
    if regex:
        condition.value_match.safe_regex.google_re2.SetInParent()
        condition.value_match.safe_regex.regex = regex
    elif prefix:
        condition.value_match.prefix = prefix
    elif suffix:
        condition.value_match.suffix = suffix
    else:
        condition.value_match.exact = exact
    return predicate


def all_of(predicates: Sequence[Predicate]) -> Predicate:
    """Holds when every one does; Envoy wants two at least in its own `and`."""
    if len(predicates) == 1:
        return predicates[0]
    joined = Predicate()
    joined.and_matcher.predicate.extend(predicates)
    return joined


def any_of(predicates: Sequence[Predicate]) -> Predicate:
    """Holds when one does; Envoy wants two at least in its own `or`."""
    if len(predicates) == 1:
        return predicates[0]
    joined = Predicate()
    joined.or_matcher.predicate.extend(predicates)
    return joined


def not_(predicate: Predicate) -> Predicate:
    """Holds when the other does not."""
    inverted = Predicate()
    inverted.not_matcher.CopyFrom(predicate)
    return inverted
