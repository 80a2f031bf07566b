"""Messages whose text is not UTF-8: what cannot be decoded is replaced, and everything else in them stays.

Envoy logs headers as clients sent them, in batches. A single byte that is no UTF-8 makes the parser refuse the whole
batch, so that anybody who can send a request could hide those of everybody else.
"""

from collections.abc import Callable, Set
from typing import TypeVar

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor, FileDescriptor
from google.protobuf.message import DecodeError, Message

M = TypeVar("M", bound=Message)
Field = descriptor_pb2.FieldDescriptorProto


def lenient_parser(kind: type[M]) -> Callable[[bytes], M]:
    """A parser of serialized messages that replaces what is not UTF-8. Raises DecodeError for what is no message."""
    textless: list[type[Message]] = []
    text_fields: set[str] = set()

    def parse(data: bytes) -> M:
        try:
            intact: M = kind.FromString(data)
            return intact
        except DecodeError:
            if not textless:
                textless.append(_with_bytes_for_text(kind, text_fields))
            message = textless[0].FromString(data)
            _replace(message, text_fields)
            mended: M = kind.FromString(message.SerializeToString())
            return mended

    return parse


def _with_bytes_for_text(kind: type[Message], text_fields: set[str]) -> type[Message]:
    """The same message on the wire, in which text is bytes: no parser looks into those. Adds the full names of these
    fields to `text_fields`."""
    pool = descriptor_pool.DescriptorPool()
    added: set[str] = set()

    def add(file: FileDescriptor) -> None:
        if file.name in added:
            return
        added.add(file.name)
        for dependency in file.dependencies:
            add(dependency)
        copy = descriptor_pb2.FileDescriptorProto()
        file.CopyToProto(copy)
        # Options name extensions, which this pool does not need.
        copy.ClearField("options")
        copy.ClearField("extension")
        for message in copy.message_type:
            _convert(message, file.package, text_fields)
        pool.Add(copy)

    add(kind.DESCRIPTOR.file)
    bytes_kind: type[Message] = message_factory.GetMessageClass(pool.FindMessageTypeByName(kind.DESCRIPTOR.full_name))
    return bytes_kind


def _convert(message: descriptor_pb2.DescriptorProto, scope: str, text_fields: set[str]) -> None:
    name = f"{scope}.{message.name}"
    # A map's key cannot be bytes; on the wire a map is a list of pairs, and without its option it is just that.
    message.ClearField("options")
    for field in message.field:
        if field.type == Field.TYPE_STRING:
            field.type = Field.TYPE_BYTES
            text_fields.add(f"{name}.{field.name}")
    for nested in message.nested_type:
        _convert(nested, name, text_fields)


def _replace(message: Message, text_fields: Set[str]) -> None:
    """Makes the text in a message UTF-8, in place."""
    for field, value in message.ListFields():
        if field.full_name in text_fields:
            if field.is_repeated:
                value[:] = [_text(item) for item in value]
            else:
                setattr(message, field.name, _text(value))
        elif field.type == FieldDescriptor.TYPE_MESSAGE:
            for item in value if field.is_repeated else (value,):
                _replace(item, text_fields)


def _text(value: bytes) -> bytes:
    return value.decode(errors="replace").encode()
