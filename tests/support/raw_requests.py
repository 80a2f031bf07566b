"""Requests as bytes: valid ones, ones that two programs could read differently, and streams drawn of both."""

from hypothesis import strategies as st

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /echo HTTP/1.1\r\nHost: a\r\n"
GET = b"GET /echo HTTP/1.1\r\nHost: a\r\n"

# Requests after which the next bytes could be taken for another request, or for none, depending on who reads them
# (RFC 9112, sections 2.2, 5, 6, 7 and 11.2).
AMBIGUOUS = {
    "length, then chunked": POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked, then length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
    "the same length twice": POST + b"Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
    "a list of lengths": POST + b"Content-Length: 4, 4\r\n\r\nabcd",
    "a signed length": POST + b"Content-Length: +4\r\n\r\nabcd",
    "a negative length": POST + b"Content-Length: -4\r\n\r\nabcd",
    "a hexadecimal length": POST + b"Content-Length: 0x4\r\n\r\nabcd",
    "an empty length": POST + b"Content-Length:\r\n\r\nabcd",
    "a length beyond 64 bits": POST + b"Content-Length: 18446744073709551620\r\n\r\nabcd",
    "a space before the colon": POST + b"Content-Length : 4\r\n\r\nabcd",
    "a bare LF after the first line": b"GET /echo HTTP/1.1\nHost: a\r\n\r\n",
    "a bare LF after a header": b"GET /echo HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
    "a bare LF at the end of the head": b"GET /echo HTTP/1.1\r\nHost: a\r\n\n",
    "a bare CR in a header": b"GET /echo HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
    "a NUL in a header": GET + b"X: a\0b\r\n\r\n",
    "a header without a name": GET + b": b\r\n\r\n",
    "a name with a byte above 127": GET + b"X\xe9: b\r\n\r\n",
    "a folded header": GET + b"X: b\r\n c\r\n\r\n",
    "a folded transfer-encoding": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "a space before the first header": b"GET /echo HTTP/1.1\r\n Host: a\r\n\r\n",
    "an unknown coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked is not the last coding": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "a coding before chunked": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "two transfer-encodings": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "a vertical tab before chunked": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "chunks in HTTP/1.0": b"POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a bare LF in a chunk extension": POST + b"Transfer-Encoding: chunked\r\n\r\n1;a\nx\r\n0\r\n\r\n",
    "a bare LF after a chunk's size": POST + b"Transfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n",
    "a space after a chunk's size": POST + b"Transfer-Encoding: chunked\r\n\r\n1 \r\nx\r\n0\r\n\r\n",
    "a prefix of a chunk's size": POST + b"Transfer-Encoding: chunked\r\n\r\n0x1\r\nx\r\n0\r\n\r\n",
    "a negative chunk": POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n",
    "a chunk beyond 64 bits": POST + b"Transfer-Encoding: chunked\r\n\r\n10000000000000001\r\nx\r\n0\r\n\r\n",
    "a chunk longer than its size": POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nxyz\r\n0\r\n\r\n",
    "no host": b"GET /echo HTTP/1.1\r\n\r\n",
    "two hosts": GET + b"Host: b\r\n\r\n",
    "a space in the target": b"GET /ec ho HTTP/1.1\r\nHost: a\r\n\r\n",
    "no version": b"GET /echo\r\n\r\n",
    "HTTP/2.0": b"GET /echo HTTP/2.0\r\nHost: a\r\n\r\n",
    "HTTP/1.2": b"GET /echo HTTP/1.2\r\nHost: a\r\n\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "another protocol": b"GET /echo HTTX/1.1\r\nHost: a\r\n\r\n",
    "a method in lower case": b"get /echo HTTP/1.1\r\nHost: a\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "an upgrade with a body": POST + b"Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 4\r\n\r\nabcd",
}

VALID = st.sampled_from(
    [
        GET + b"\r\n",
        GET + b"Cookie: a=b\r\nX-Request-Id: 1\r\n\r\n",
        POST + b"Content-Length: 5\r\n\r\nGET /",
        POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n",
        b"HEAD /echo?ids=1 HTTP/1.1\r\nHost: a\r\n\r\n",
        POST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
        GET + b"Connection: close\r\n\r\n",
        b"GET /old HTTP/1.0\r\n\r\n",
    ]
)
STREAM = st.lists(st.one_of(VALID, st.sampled_from(list(AMBIGUOUS.values())), st.binary(max_size=40)), max_size=6)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Requests, some of them with a few bytes changed, removed or repeated."""
    data = bytearray(b"".join(draw(STREAM)))
    for _ in range(draw(st.integers(0, 3))):
        if not data:
            break
        at = draw(st.integers(0, len(data) - 1))
        kind = draw(st.sampled_from(("change", "remove", "repeat")))
        if kind == "change":
            data[at] = draw(st.integers(0, 255))
        elif kind == "remove":
            del data[at : at + draw(st.integers(1, 5))]
        else:
            data[at:at] = data[at : at + draw(st.integers(1, 20))]
    return bytes(data)
