"""Netlink messages: their encoding, and a socket that sends a batch and waits for every acknowledgement.

Sizes and constants from linux/netlink.h.
"""

import os
import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple, Self

NLMSG_ERROR = 2
NLMSG_DONE = 3
NLM_F_REQUEST = 0x1
NLM_F_ACK = 0x4
NLM_F_EXCL = 0x200
NLM_F_DUMP = 0x300
NLM_F_CREATE = 0x400
NLM_F_APPEND = 0x800
NLA_F_NESTED = 0x8000
NETLINK_ROUTE = 0
NETLINK_NETFILTER = 12
TIMEOUT = 5.0

_HEADER = struct.Struct("=IHHII")


class Message(NamedTuple):
    """A message without its header; `purpose` names it in errors."""

    kind: int
    flags: int
    body: bytes
    purpose: str


def attribute(kind: int, value: bytes, *, nested: bool = False) -> bytes:
    """One attribute (struct nlattr), padded to four bytes."""
    length = 4 + len(value)
    return struct.pack("=HH", length, kind | (NLA_F_NESTED if nested else 0)) + value + b"\0" * (-length % 4)


def nest(kind: int, *parts: bytes) -> bytes:
    return attribute(kind, b"".join(parts), nested=True)


def text(kind: int, value: str) -> bytes:
    return attribute(kind, value.encode() + b"\0")


def encode(message: Message, sequence: int) -> bytes:
    """The message with its header (struct nlmsghdr)."""
    length = _HEADER.size + len(message.body)
    return _HEADER.pack(length, message.kind, message.flags | NLM_F_REQUEST, sequence, 0) + message.body


class NetlinkError(OSError):
    """The kernel refused a message; the text says which."""


class NetlinkSocket:
    """A netlink socket of the network namespace in which it is made, wherever it is used afterwards."""

    def __init__(self, protocol: int) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
        self._socket.bind((0, 0))
        self._socket.settimeout(TIMEOUT)
        self._sequence = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._socket.close()

    def send(self, *messages: Message) -> None:
        """Sends the messages in one write and waits for the answers of those with NLM_F_ACK.

        Raises NetlinkError for the first that the kernel refused.
        """
        first = self._sequence
        self._sequence += len(messages)
        pending = {first + at: message for at, message in enumerate(messages) if message.flags & NLM_F_ACK}
        self._socket.send(b"".join(encode(message, first + at) for at, message in enumerate(messages)))
        refused: tuple[int, str] | None = None
        while pending:
            for sequence, code in _answers(self._socket.recv(65536)):
                # An nftables batch that fails is answered once more, for its NFNL_MSG_BATCH_BEGIN.
                message = pending.pop(sequence, None)
                if code and refused is None:
                    refused = code, message.purpose if message is not None else "batch"
                if code and message is None:
                    pending.clear()
        if refused is not None:
            code, purpose = refused
            raise NetlinkError(code, f"{purpose}: {os.strerror(code)}")

    def dump(self, message: Message) -> Iterator[bytes]:
        """Sends a message that asks for a list; the bodies of the answers. Raises NetlinkError."""
        self._socket.send(encode(message._replace(flags=message.flags | NLM_F_DUMP), self._sequence))
        self._sequence += 1
        while True:
            for kind, _, body in _messages(self._socket.recv(65536)):
                if kind == NLMSG_DONE:
                    return
                if kind == NLMSG_ERROR:
                    code = -struct.unpack_from("=i", body)[0]
                    raise NetlinkError(code, f"{message.purpose}: {os.strerror(code)}")
                yield body


def _answers(data: bytes) -> list[tuple[int, int]]:
    """(sequence, errno) of each NLMSG_ERROR in what was received; errno 0 acknowledges."""
    return [
        (sequence, -struct.unpack_from("=i", body)[0])
        for kind, sequence, body in _messages(data)
        if kind == NLMSG_ERROR
    ]


def _messages(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Kind, sequence and body of each message in what was received."""
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, _, sequence, _ = _HEADER.unpack_from(data, at)
        yield kind, sequence, data[at + _HEADER.size : at + length]
        at += max(_HEADER.size, (length + 3) & ~3)
