"""DNS messages (RFC 1035, EDNS by RFC 6891): what a pod's resolver reads and writes. Pure."""

import socket
import struct
from typing import NamedTuple

A, CNAME, SOA, PTR, AAAA, SRV, OPT = 1, 5, 6, 12, 28, 33, 41
INTERNET = 1
# Where the data of records that end with a name have it: NS, CNAME, PTR, MX, SRV, DNAME.
NAME_AT = {2: 0, CNAME: 0, PTR: 0, 15: 2, SRV: 6, 39: 0}
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP = 0, 1, 2, 3, 4
RESPONSE, AUTHORITATIVE, TRUNCATED, RECURSION_DESIRED, RECURSION_AVAILABLE = 0x8000, 0x400, 0x200, 0x100, 0x80
OPCODE, RCODE = 0x7800, 0xF
SMALLEST_ANSWER, LARGEST_ANSWER = 512, 4096
LONGEST_NAME, MOST_POINTERS = 255, 64

_HEADER = struct.Struct("!6H")


class Malformed(Exception):
    """These bytes are no DNS message."""


class Query(NamedTuple):
    """A question. `name` is in lower case without the final dot; `question` are its bytes as they came."""

    id: int
    flags: int
    name: str
    kind: int
    kind_class: int
    question: bytes
    limit: int  # the largest answer over UDP that the client takes
    edns: bool


class Record(NamedTuple):
    """A resource record; `data` has no compressed names."""

    name: str
    kind: int
    ttl: int
    data: bytes


class Answer(NamedTuple):
    """What upstream answered: the result code and the records of the answer section."""

    id: int
    code: int
    truncated: bool
    question: bytes
    records: list[Record]


def encode_name(name: str) -> bytes:
    """A name in its labels. Raises Malformed for empty and overlong labels."""
    encoded = b""
    for label in name.split(".") if name else ():
        part = label.encode("latin-1", "replace")
        if not 0 < len(part) < 64:
            raise Malformed(f'"{name}" has an empty or overlong label')
        encoded += bytes([len(part)]) + part
    return encoded + b"\0"


def decode_name(data: bytes, at: int) -> tuple[str, int]:
    """The name at an offset, and the offset behind it. Follows compression's pointers."""
    labels: list[str] = []
    end = -1
    for _ in range(LONGEST_NAME + MOST_POINTERS):
        if at >= len(data):
            break
        length = data[at]
        if length == 0:
            return ".".join(labels), at + 1 if end < 0 else end
        if length >= 0xC0:
            if at + 1 >= len(data):
                break
            end = at + 2 if end < 0 else end
            at = (length & 0x3F) << 8 | data[at + 1]
            continue
        if length > 63 or at + 1 + length > len(data):
            break
        labels.append(data[at + 1 : at + 1 + length].decode("latin-1"))
        at += 1 + length
    raise Malformed("a name has no end")


def decode_query(data: bytes) -> Query:
    """Raises Malformed for what is no query with exactly one question."""
    if len(data) < _HEADER.size:
        raise Malformed("shorter than a header")
    id_, flags, questions, _, _, additional = _HEADER.unpack_from(data)
    if flags & RESPONSE or questions != 1:
        raise Malformed("not one question")
    name, at = decode_name(data, _HEADER.size)
    if at + 4 > len(data):
        raise Malformed("the question is cut off")
    kind, kind_class = struct.unpack_from("!HH", data, at)
    limit, edns = SMALLEST_ANSWER, False
    # The OPT record has the root's name, so that its place is known without reading the sections between.
    if additional and data[at + 4 : at + 7] == b"\0\0\x29" and at + 9 <= len(data):
        edns = True
        limit = min(LARGEST_ANSWER, max(SMALLEST_ANSWER, struct.unpack_from("!H", data, at + 7)[0]))
    question = data[_HEADER.size : at + 4]
    return Query(id_, flags, name.lower(), kind, kind_class, question, limit, edns)


def encode_query(id_: int, question: bytes) -> bytes:
    """A query for an upstream server that takes large answers."""
    opt = b"\0" + struct.pack("!HHIH", OPT, LARGEST_ANSWER, 0, 0)
    return _HEADER.pack(id_, RECURSION_DESIRED, 1, 0, 0, 1) + question + opt


def encode_answer(
    query: Query, code: int, records: list[Record], *, limit: int, authority: Record | None = None, own: bool = True
) -> bytes:
    """The answer to a query in at most `limit` bytes: what does not fit is left out, and TRUNCATED set.

    `own`: the answer has authority. An `authority` record (SOA) lets clients remember that there is nothing.
    """
    flags = RESPONSE | RECURSION_AVAILABLE | query.flags & (OPCODE | RECURSION_DESIRED) | code
    flags |= AUTHORITATIVE if own else 0
    answers = b"".join(_encode_record(record) for record in records)
    tail = _encode_record(authority) if authority is not None else b""
    opt = b"\0" + struct.pack("!HHIH", OPT, LARGEST_ANSWER, 0, 0) if query.edns else b""
    count = len(records)
    if _HEADER.size + len(query.question) + len(answers) + len(tail) + len(opt) > limit:
        flags, count, answers, tail = flags | TRUNCATED, 0, b"", b""
    header = _HEADER.pack(query.id, flags, 1, count, 1 if tail else 0, 1 if opt else 0)
    return header + query.question + answers + tail + opt


def _encode_record(record: Record) -> bytes:
    head = struct.pack("!HHIH", record.kind, INTERNET, record.ttl, len(record.data))
    return encode_name(record.name) + head + record.data


def decode_answer(data: bytes) -> Answer:
    """An upstream server's answer. Raises Malformed."""
    if len(data) < _HEADER.size:
        raise Malformed("shorter than a header")
    id_, flags, questions, answers, _, _ = _HEADER.unpack_from(data)
    if not flags & RESPONSE or questions != 1:
        raise Malformed("no answer to one question")
    _, at = decode_name(data, _HEADER.size)
    at += 4
    question = data[_HEADER.size : at]
    records = []
    for _ in range(answers):
        name, at = decode_name(data, at)
        if at + 10 > len(data):
            raise Malformed("a record is cut off")
        kind, _, ttl, length = struct.unpack_from("!HHIH", data, at)
        at += 10
        fixed = NAME_AT.get(kind)
        if fixed is None:
            content = data[at : at + length]
        else:  # the name may be compressed, by a pointer into a message that is not passed on
            content = data[at : at + fixed] + encode_name(decode_name(data, at + fixed)[0])
        records.append(Record(name, kind, ttl, content))
        at += length
    return Answer(id_, flags & RCODE, bool(flags & TRUNCATED), question, records)


def address_record(name: str, address: str, ttl: int) -> Record:
    return Record(name, A, ttl, socket.inet_aton(address))


def name_record(name: str, kind: int, target: str, ttl: int) -> Record:
    """A CNAME or PTR record."""
    return Record(name, kind, ttl, encode_name(target))


def service_record(name: str, port: int, target: str, ttl: int) -> Record:
    return Record(name, SRV, ttl, struct.pack("!HHH", 0, 100, port) + encode_name(target))


def authority_record(zone: str, ttl: int) -> Record:
    """The SOA record that says how long a name's absence may be remembered."""
    numbers = struct.pack("!5I", 1, 7200, 1800, 86400, ttl)
    return Record(zone, SOA, ttl, encode_name(f"ns.dns.{zone}") + encode_name(f"hostmaster.{zone}") + numbers)
