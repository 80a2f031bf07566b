"""Messages whose text is not UTF-8."""

import pytest
from envoy.service.accesslog.v3 import als_pb2
from google.protobuf.message import DecodeError

from mesh.observe.lenient import lenient_parser

parse = lenient_parser(als_pb2.StreamAccessLogsMessage)


def serialized() -> bytes:
    """A batch of two requests, the second with a header and a piece of metadata that can be spoiled."""
    message = als_pb2.StreamAccessLogsMessage()
    message.http_logs.log_entry.add().request.request_id = "good"
    second = message.http_logs.log_entry.add()
    second.request.request_id = "BAD1"
    second.request.request_headers["traceparent"] = "BAD2"
    second.common_properties.metadata.filter_metadata["mesh"].update({"key": "BAD3"})
    second.common_properties.filter_state_objects["state"].value = b"\xff\xfe"
    return bytes(message.SerializeToString())


def test_what_is_not_utf_8_is_replaced_and_everything_else_stays() -> None:
    spoilt = serialized()
    for text in (b"BAD1", b"BAD2", b"BAD3"):
        spoilt = spoilt.replace(text, b"\xff\xfeok")
    with pytest.raises(DecodeError):
        als_pb2.StreamAccessLogsMessage.FromString(spoilt)
    first, second = parse(spoilt).http_logs.log_entry
    assert first.request.request_id == "good"
    assert second.request.request_id == "\ufffd\ufffdok"
    assert dict(second.request.request_headers) == {"traceparent": "\ufffd\ufffdok"}
    assert second.common_properties.metadata.filter_metadata["mesh"]["key"] == "\ufffd\ufffdok"
    # These were bytes before.
    assert second.common_properties.filter_state_objects["state"].value == b"\xff\xfe"


def test_a_good_message_is_what_it_was() -> None:
    assert parse(serialized()) == als_pb2.StreamAccessLogsMessage.FromString(serialized())


def test_what_is_no_message_is_refused() -> None:
    with pytest.raises(DecodeError):
        parse(serialized()[:-3])
