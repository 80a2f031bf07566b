"""Netlink messages byte for byte, by the structures of the kernel's headers."""

import struct

from mesh.pods.network.links import default_route, new_address
from mesh.pods.network.netlink import NLM_F_ACK, NLM_F_CREATE, attribute, encode, nest, text
from mesh.pods.network.nftables import pod_rules


def test_attributes_are_padded_to_four_bytes_and_lengths_are_not() -> None:
    assert attribute(3, b"abcde") == b"\x09\x00\x03\x00abcde\0\0\0"
    assert text(1, "lo") == b"\x07\x00\x01\x00lo\0\0"
    assert nest(2, b"\x04\x00\x01\x00") == b"\x08\x00\x02\x80\x04\x00\x01\x00"


def test_an_address_and_a_route() -> None:
    address = encode(new_address(2, "10.244.1.7", 16), 9)
    assert struct.unpack_from("=IHHII", address) == (40, 20, NLM_F_CREATE | NLM_F_ACK | 1, 9, 0)
    assert address[16:].hex() == "0210000002000000080002000af40107080001000af40107"
    route = encode(default_route("10.244.0.1"), 0)
    assert route[16:].hex() == "02000000fe04000100000000080005000af40001"


def test_rules_are_one_batch_that_names_each_message() -> None:
    messages = pod_rules("10.244.1.7", "10.96.0.10", 15053, 15001)
    purposes = [message.purpose.removeprefix("nftables: ") for message in messages]
    assert purposes[0] == "begin"
    assert purposes[-1] == "end"
    assert purposes.index("redirect DNS over UDP") < purposes.index("redirect TCP to the proxy")
    assert purposes.index("leave the pod's own address alone") < purposes.index("redirect TCP to the proxy")
    assert [message.flags & NLM_F_ACK for message in messages] == [0, *[NLM_F_ACK] * (len(messages) - 2), 0]
    assert bytes([10, 244, 1, 7]) in messages[-3].body
