"""Archives that try to get out of their folder, to fill the disk or memory, or to confuse whoever reads them.

docs/images.md has this list.
"""

import gzip
import os
import stat
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from mesh.images.errors import BadContent, TooLarge
from mesh.images.limits import DEFAULT_LIMITS, Limits
from mesh.images.manifest import digest_of
from mesh.images.unpack import zstandard
from mesh.images.unpack.layer import UnpackedLayer, unpack
from mesh.images.unpack.owners import FLAT
from tests.support.images import Entry, archive, folder, hard_link, link

MANY = 300
SMALL = DEFAULT_LIMITS._replace(
    layer_bytes=1 << 20, layer_entries=MANY, extended_header=64 * 1024, depth=64, free_bytes=0
)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A file next to the layer's folder, which nothing may change."""
    secret = tmp_path / "secret"
    secret.write_text("untouched")
    secret.chmod(0o600)
    return secret


def unpacked(tmp_path: Path, data: bytes, limits: Limits = SMALL) -> UnpackedLayer:
    """Unpacks a blob into `tmp_path / "layer"`."""
    blob, target = tmp_path / "blob", tmp_path / "layer"
    blob.write_bytes(data)
    target.mkdir()
    return unpack(blob, target, FLAT, limits, "layer", None)


def listed(tmp_path: Path) -> set[str]:
    return {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}


def raw_header(name: bytes, kind: bytes, size: int, link_name: bytes = b"", size_field: bytes | None = None) -> bytes:
    """A header of ustar as bytes, with a checksum that is right."""
    header = bytearray(512)
    header[0 : len(name)] = name[:100]
    header[100:108] = b"0000644\0"
    header[108:116] = header[116:124] = b"0000000\0"
    header[124:136] = size_field if size_field is not None else b"%011o\0" % size
    header[136:148] = b"00000000000\0"
    header[156:157] = kind
    header[157 : 157 + len(link_name)] = link_name[:100]
    header[257:265] = b"ustar\x0000"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 512)


ESCAPES: dict[str, list[Entry]] = {
    "dots": [Entry("../secret", b"x")],
    "dots inside": [Entry("a/../../secret", b"x")],
    "dots at the end": [folder("a/..")],
    "absolute with dots": [Entry("/../secret", b"x")],
    "dots deep": [Entry("a/b/c/../../../../secret", b"x")],
    "whiteout of dots": [Entry(".wh...")],
    "whiteout of a dot": [Entry("a/.wh..")],
    "whiteout of nothing": [Entry(".wh.")],
    "whiteout outside": [Entry("../.wh.secret")],
    "opaque outside": [Entry("../.wh..wh..opq")],
    "hard link outside": [hard_link("a", "../secret")],
    "hard link outside, absolute": [hard_link("a", "/../secret")],
    "hard link to nothing": [hard_link("a", "etc/passwd")],
    "hard link to a folder": [folder("d"), hard_link("a", "d")],
    "hard link to a whiteout": [Entry(".wh.x"), hard_link("a", "x")],
    "hard link without a target": [hard_link("a", "")],
    "link without a target": [link("a", "")],
    "a file as a folder": [Entry("a", b"x"), Entry("a/b", b"y")],
    "a link that points to itself": [link("a", "a"), Entry("a/b", b"x")],
    "two links that point to each other": [link("a", "b"), link("b", "a"), Entry("a/x", b"x")],
    "the root as a file": [Entry("./", b"x")],
    "the root as a link": [link(".", "/etc")],
    "a component that is too long": [Entry("x" * 256, b"x")],
    "a path that is too long": [Entry("/".join(["x" * 100] * 50), b"x")],
    "folders in folders": [Entry("/".join(["d"] * 65) + "/x", b"x")],
}


@pytest.mark.parametrize("entries", ESCAPES.values(), ids=ESCAPES)
def test_an_archive_that_leads_out_is_refused(tmp_path: Path, outside: Path, entries: list[Entry]) -> None:
    with pytest.raises(BadContent, match="layer"):
        unpacked(tmp_path, archive(entries))
    assert outside.read_text() == "untouched" and stat.S_IMODE(outside.stat().st_mode) == 0o600
    assert {name.partition("/")[0] for name in listed(tmp_path)} == {"secret", "blob", "layer"}


LINKS: dict[str, list[Entry]] = {
    "through a relative link": [link("a", ".."), Entry("a/secret", b"x")],
    "through an absolute link": [link("a", "/"), Entry("a/secret", b"x")],
    "through a link to the machine's folder": [link("a", "{outside}"), Entry("a/secret", b"x")],
    "through many dots": [link("a", "../../../../../../../.."), Entry("a/secret", b"x")],
    "through two links": [link("a", "b"), link("b", ".."), Entry("a/secret", b"x")],
    "a folder through a link": [link("a", "{outside}"), folder("a/secret", 0o777)],
    "a whiteout through a link": [link("a", "{outside}"), Entry("a/.wh.secret")],
    "opaque through a link": [link("a", "{outside}"), Entry("a/.wh..wh..opq")],
    "a file over a link": [link("secret", "{outside}/secret"), Entry("secret", b"x")],
    "a folder over a link": [link("secret", "{outside}"), folder("secret", 0o777)],
    "modes over a link": [link("d", "{outside}"), folder("d", 0o000)],
    "a link replaced between": [folder("a"), Entry("a/x", b"1"), link("a", "{outside}"), Entry("a/secret", b"2")],
    "hard link to a link": [link("a", "{outside}/secret"), hard_link("b", "a"), Entry("b", b"x")],
    "hard link through a link": [link("a", "{outside}"), hard_link("b", "a/secret")],
    "to /proc": [link("a", "/proc/self/root"), Entry("a/secret", b"x")],
    "to /proc/self/cwd": [link("a", "/proc/self/cwd"), Entry("a/secret", b"x")],
}


@pytest.mark.parametrize("entries", LINKS.values(), ids=LINKS)
def test_links_mean_what_they_do_in_a_container(tmp_path: Path, outside: Path, entries: list[Entry]) -> None:
    """They lead to places in the layer, or nowhere; never to those of the machine."""
    here = [Entry(**{**vars(entry), "target": entry.target.format(outside=tmp_path)}) for entry in entries]
    try:
        unpacked(tmp_path, archive(here))
    except BadContent as error:
        assert "layer" in str(error)
    assert outside.read_text() == "untouched"
    assert outside.stat().st_nlink == 1 and stat.S_IMODE(outside.stat().st_mode) == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {"secret", "blob", "layer"}
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def gnu_long_name(size: int) -> bytes:
    return raw_header(b"././@LongLink", b"L", size) + padded(b"a" * min(size, 1 << 20))


def pax(records: bytes, size: int | None = None) -> bytes:
    return raw_header(b"pax", b"x", len(records) if size is None else size) + padded(records)


def pax_record(key: str, value: str) -> bytes:
    body = f" {key}={value}\n".encode()
    size = len(body) + 1
    while len(str(size)) + len(body) != size:
        size += 1
    return str(size).encode() + body


def file_header(name: bytes = b"x", size: int = 0) -> bytes:
    return raw_header(name, b"0", size)


BOMBS: dict[str, Callable[[], bytes]] = {
    "zeros": lambda: gzip.compress(archive([Entry("z", bytes(2 << 20))])),
    "zeros after the end": lambda: gzip.compress(archive([]) + bytes(16 << 20)),
    "zeros by zstd": lambda: zstandard.compress(archive([Entry("z", bytes(8 << 20))])),
    "many small files": lambda: gzip.compress(archive(Entry(f"f{n}") for n in range(MANY + 1))),
    "one name again and again": lambda: gzip.compress(archive(Entry("f") for n in range(MANY + 1))),
    "devices, which are not made": lambda: archive(Entry(f"d{n}", kind=tarfile.CHRTYPE) for n in range(MANY + 1)),
    "a long name of GNU": lambda: gnu_long_name(1 << 30) + file_header(),
    "a long link of GNU": lambda: raw_header(b"././@LongLink", b"K", 1 << 33) + file_header(),
    "a pax header of 8 GiB": lambda: pax(b"", (1 << 33) - 1) + file_header(),
    "a global pax header of 1 GiB": lambda: raw_header(b"g", b"g", 1 << 30) + file_header(),
    "pax: a file of an exabyte": lambda: pax(pax_record("size", str(1 << 60))) + file_header() + bytes(1024),
    "a sparse file of an exabyte": lambda: (
        pax(
            pax_record("GNU.sparse.major", "0")
            + pax_record("GNU.sparse.size", str(1 << 60))
            + pax_record("GNU.sparse.numblocks", "1")
            + pax_record("GNU.sparse.map", f"{(1 << 60) - 1},1")
        )
        + raw_header(b"s", b"0", 1)
        + padded(b"x")
        + bytes(1024)
    ),
    "a zstd window of 2 GiB": lambda: b"\x28\xb5\x2f\xfd\x00" + bytes([21 << 3]) + bytes(64),
}


@pytest.mark.parametrize("make", BOMBS.values(), ids=BOMBS)
def test_a_bomb_ends_at_the_bounds(tmp_path: Path, outside: Path, make: Callable[[], bytes]) -> None:
    with pytest.raises(BadContent, match="layer"):
        unpacked(tmp_path, make())
    assert sum(path.stat().st_blocks * 512 for path in (tmp_path / "layer").rglob("*") if path.is_file()) < 8 << 20


BROKEN: dict[str, Callable[[], bytes]] = {
    "gzip cut off": lambda: gzip.compress(archive([Entry("a", os.urandom(4096))]))[:-900],
    "gzip without its end": lambda: gzip.compress(archive([Entry("a", b"x")]))[:-8],
    "gzip with another checksum": lambda: _flipped(gzip.compress(archive([Entry("a", b"x")])), -6),
    "gzip damaged": lambda: _flipped(gzip.compress(archive([Entry("a", os.urandom(8192))])), 4000),
    "zstd cut off": lambda: bytes(zstandard.compress(archive([Entry("a", os.urandom(4096))])))[:-100],
    "an archive cut off": lambda: archive([Entry("a", bytes(4096))])[:1500],
    "a header cut off": lambda: archive([Entry("a", b"")])[:100],
    "no archive": lambda: b"this is no archive" * 100,
    "text by gzip": lambda: gzip.compress(b"hello" * 500),
    "bzip2": lambda: b"BZh91AY&SY" + bytes(100),
    "xz": lambda: b"\xfd7zXZ\x00" + bytes(100),
    "a negative size": lambda: raw_header(b"n", b"0", 0, size_field=b"\xff" * 12) + bytes(1024),
    "pax: a negative size": lambda: pax(pax_record("size", "-512")) + file_header() + bytes(1024),
    "pax: a size that is no number": lambda: pax(pax_record("size", "many")) + file_header(size=0) + b"junk" * 200,
    "pax: a length that is none": lambda: pax(b"99999 path=x\n") + file_header() + b"junk" * 200,
    "pax: a negative length": lambda: pax(b"-1 path=x\n") + file_header() + b"junk" * 200,
    "pax: a name with a zero byte": lambda: pax(pax_record("path", "a\0b")) + file_header() + bytes(1024),
    "pax: an owner beyond all ids": lambda: pax(pax_record("uid", str(1 << 40))) + file_header() + bytes(1024),
    "headers of headers": lambda: pax(pax_record("comment", "x")) * 5000 + file_header(),
    "a wrong checksum": lambda: _flipped(file_header(), 3) + bytes(1024),
}


def _flipped(data: bytes, at: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 0x55
    return bytes(changed)


@pytest.mark.parametrize("make", BROKEN.values(), ids=BROKEN)
def test_a_broken_archive_is_refused(tmp_path: Path, make: Callable[[], bytes]) -> None:
    with pytest.raises(BadContent, match="layer"):
        unpacked(tmp_path, make())


HARMLESS: dict[str, Iterable[bytes]] = {
    "newline": [b"a\nb"],
    "escape sequences": [b"\x1b[31mred"],
    "not UTF-8": [b"\xff\xfe\x80"],
    "spaces": [b"  "],
    "a leading dash": [b"-rf"],
    "quotes": [b"'\"`$(touch x)"],
    "as long as it may be": [b"x" * 100],
    "in other cases": [b"Name", b"name", b"NAME"],
    "composed in two ways": ["é".encode(), "é".encode()],
}


@pytest.mark.parametrize("names", HARMLESS.values(), ids=HARMLESS)
def test_odd_names_are_names(tmp_path: Path, names: Iterable[bytes]) -> None:
    unpacked(tmp_path, b"".join(raw_header(name, b"0", 1) + padded(b"x") for name in names) + bytes(1024))
    assert {os.fsencode(path.name) for path in (tmp_path / "layer").iterdir()} == set(names)


def test_devices_are_not_made_and_special_bits_are_dropped(tmp_path: Path) -> None:
    entries = [
        Entry("dev/sda", kind=tarfile.BLKTYPE),
        Entry("dev/mem", kind=tarfile.CHRTYPE),
        Entry("hidden", kind=tarfile.CHRTYPE),
        Entry("su", b"x", mode=0o6755),
        folder("shared", 0o3777),
        Entry("pipe", kind=tarfile.FIFOTYPE, mode=0o4666),
    ]
    result = unpacked(tmp_path, archive(entries))
    assert result.skipped == ("dev/sda", "dev/mem", "hidden")
    modes = {path.name: stat.S_IMODE(path.lstat().st_mode) for path in (tmp_path / "layer").iterdir()}
    assert modes == {"su": 0o755, "shared": 0o3777, "pipe": 0o666}


def test_an_attribute_of_overlayfs_is_not_taken_over(tmp_path: Path) -> None:
    attributes = {
        "SCHILY.xattr.user.overlay.redirect": "/../../etc",
        "SCHILY.xattr.user.overlay.opaque": "y",
        "SCHILY.xattr.trusted.overlay.opaque": "y",
        "SCHILY.xattr.security.capability": "x",
        "SCHILY.xattr.user.mine": "kept",
    }
    unpacked(tmp_path, archive([folder("d", pax=attributes), Entry("f", b"x", pax=attributes)]))
    for name in ("d", "f"):
        assert os.listxattr(tmp_path / "layer" / name) in (["user.mine"], [])


def test_of_entries_with_one_name_the_last_counts(tmp_path: Path) -> None:
    entries = [
        Entry("a", b"1"),
        folder("a"),
        Entry("a/x", b"2"),
        Entry("a", b"3"),
        link("b", "a"),
        Entry("b", b"4"),
    ]
    unpacked(tmp_path, archive(entries))
    assert (tmp_path / "layer" / "a").read_bytes() == b"3"
    assert (tmp_path / "layer" / "b").read_bytes() == b"4"
    assert not (tmp_path / "layer" / "b").is_symlink()


def test_whiteouts_hide_lower_layers_only(tmp_path: Path) -> None:
    entries = [
        Entry(".wh.gone"),
        Entry("first", b"here"),
        Entry(".wh.first"),
        Entry(".wh.second"),
        folder("second"),
        Entry("second/x", b"x"),
        folder("third"),
        Entry("third/.wh..wh..opq"),
        Entry(".wh..wh.plnk"),
    ]
    unpacked(tmp_path, archive(entries))
    layer = tmp_path / "layer"
    assert {path.name for path in layer.iterdir()} == {"gone", "first", "second", "third"}
    gone = (layer / "gone").lstat()
    assert stat.S_ISCHR(gone.st_mode) and gone.st_rdev == 0
    assert (layer / "first").read_bytes() == b"here"
    for name in ("second", "third"):
        assert os.getxattr(layer / name, "user.overlay.opaque") == b"y"


def test_another_digest_than_announced_is_refused(tmp_path: Path) -> None:
    data = archive([Entry("a", b"x")])
    blob, target = tmp_path / "blob", tmp_path / "layer"
    blob.write_bytes(gzip.compress(data))
    target.mkdir()
    with pytest.raises(BadContent, match="has the digest sha256:"):
        unpack(blob, target, FLAT, SMALL, "layer", f"sha256:{'0' * 64}")
    (target / "a").unlink()
    assert unpack(blob, target, FLAT, SMALL, "layer", digest_of(data)).diff_id == digest_of(data)


def test_a_folder_that_nobody_may_write_to_has_entries(tmp_path: Path) -> None:
    unpacked(tmp_path, archive([folder("d", 0o555), Entry("d/x", b"x"), folder("d/e", 0o500), Entry("d/e/y", b"y")]))
    assert (tmp_path / "layer/d/e/y").read_bytes() == b"y"
    assert stat.S_IMODE((tmp_path / "layer/d").stat().st_mode) == 0o555
    (tmp_path / "layer/d").chmod(0o755)
    (tmp_path / "layer/d/e").chmod(0o755)


def test_several_members_of_gzip_are_one_archive(tmp_path: Path) -> None:
    data = archive([Entry("a", b"x" * 3000)])
    unpacked(tmp_path, gzip.compress(data[:1000]) + gzip.compress(data[1000:]))
    assert (tmp_path / "layer/a").stat().st_size == 3000


@pytest.mark.parametrize("data", [b"", gzip.compress(b""), bytes(1024)], ids=["nothing", "gzip of nothing", "the end"])
def test_an_empty_layer_is_one(tmp_path: Path, data: bytes) -> None:
    assert unpacked(tmp_path, data).entries == 0


def test_drawn_damage_never_leads_out(tmp_path: Path, outside: Path) -> None:
    """One byte after the other of an archive is changed; it is unpacked, or refused as what it is."""
    plain = archive([folder("d"), Entry("d/a", b"content"), link("l", "d"), hard_link("h", "d/a"), Entry(".wh.x")])
    blob, tried = tmp_path / "blob", 0
    for at in range(0, len(plain), 61):
        blob.write_bytes(_flipped(plain, at))
        target = tmp_path / f"layer-{at}"
        target.mkdir()
        tried += 1
        try:
            unpack(blob, target, FLAT, SMALL, "layer", None)
        except BadContent as error:
            assert str(error).startswith("layer")
    assert tried > 60
    assert outside.read_text() == "untouched"
    assert {path.name.partition("-")[0] for path in tmp_path.iterdir()} == {"secret", "blob", "layer"}


def test_the_limits_are_real(tmp_path: Path) -> None:
    with pytest.raises(TooLarge, match="more than 300 entries"):
        unpacked(tmp_path, archive(Entry(f"f{n}") for n in range(MANY + 1)))
