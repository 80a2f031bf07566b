"""The few things that every encoder needs of protobuf, and of Envoy's basic types."""

from typing import Any

from envoy.config.core.v3 import config_source_pb2
from envoy.type.v3 import percent_pb2
from google.protobuf import any_pb2, duration_pb2


def duration(seconds: float) -> duration_pb2.Duration:
    """Seconds as a protobuf duration."""
    whole_seconds = int(seconds)
    return duration_pb2.Duration(seconds=whole_seconds, nanos=round((seconds - whole_seconds) * 1e9))


def fraction(percent: float) -> percent_pb2.FractionalPercent:
    """A percentage with four decimal places, which is what Istio's `Percent` promises to keep."""
    return percent_pb2.FractionalPercent(
        numerator=round(percent * 10_000), denominator=percent_pb2.FractionalPercent.MILLION
    )


def ads() -> config_source_pb2.ConfigSource:
    """Says that a referenced resource comes by the same stream as the one that names it (aggregated discovery)."""
    source = config_source_pb2.ConfigSource(resource_api_version=config_source_pb2.V3)
    source.ads.SetInParent()
    return source


def packed(message: object) -> any_pb2.Any:
    """A message as Envoy's `typed_config`; equal messages give equal bytes."""
    typed = any_pb2.Any()
    typed.Pack(message, deterministic=True)
    return typed


def serialized(message: Any) -> bytes:
    """A message as bytes; equal messages give equal bytes."""
    encoded: bytes = message.SerializeToString(deterministic=True)
    return encoded


def field(number: int, value: bytes) -> bytes:
    """A length-delimited field in protobuf's wire format.

    With 1,000 branches most of a route table is as it was: its parts are joined as bytes, where building the
    message again would cost every row of it.
    """
    head = bytearray()
    for part in (number << 3 | 2, len(value)):
        rest = part
        while rest > 0x7F:
            head.append(rest & 0x7F | 0x80)
            rest >>= 7
        head.append(rest)
    return bytes(head) + value


def number_of(message: type[Any], name: str) -> int:
    """The number of a message's field, for `field`."""
    number: int = message.DESCRIPTOR.fields_by_name[name].number
    return number
