"""What Envoy's scripts read of branches: a file for each branch, and one for each way into it.

The look-up of a branch could be part of the route tables, and was. But Envoy takes a table as a whole: with 1,000
branches one more of them made it parse, validate and compile 1.8 MB of tables that were otherwise the same. Files
change one at a time, and the scripts (`lua/records.lua`) read the one that a request needs, which the kernel has in
memory.

    name/<branch>   its tag, its label, then "<row><tab><cluster>" for each row that it sends elsewhere, each on a line
    tag/<tag>       the name of the branch whose tag it is
    way/<key>       the name of the branch that this way leads into; the key's unusual characters are written as %xx

A row is named after its table, its host and the cluster that it has for everybody else.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from mesh.routing.entries import Ways, ways_of
from mesh.routing.model.snapshot import Snapshot
from mesh.routing.model.table import BranchOverride, Entries, Marks, RouteTable

# Where the files are, in the folder that Envoy runs in.
FOLDER = "branches"
# Of a file's name, in bytes; file systems allow 255.
LONGEST_FILE = 200
# Where a branch's requests go when what it changes is not ready and the table does not say so yet: nowhere, never to
# the baseline. No cluster has this name.
NOWHERE = "branch|not-ready"
UNUSUAL = re.compile(rb"[^A-Za-z0-9_.:=-]")

Lines = Mapping[str, str]


class Record(NamedTuple):
    """What is known of one branch: `lines` has the cluster of each row that it sends elsewhere."""

    tag: str
    label: str
    lines: Lines

    def text(self) -> bytes:
        """The file. A line begins after a line feed, so that a row is found as a whole."""
        lines = "".join(f"{row}\t{cluster}\n" for row, cluster in self.lines.items())
        return f"{self.tag}\n{self.label}\n{lines}".encode()

    @classmethod
    def parse(cls, text: bytes) -> "Record":
        """The record of a file; an empty one for a file that is none."""
        tag, _, rest = text.decode(errors="replace").partition("\n")
        label, _, lines = rest.partition("\n")
        pairs = (line.partition("\t") for line in lines.split("\n"))
        return cls(tag, label, {row: cluster for row, _, cluster in pairs if cluster})


class Records(NamedTuple):
    """All of them: records by branch; branches by tag, and by the name of a way's file."""

    branches: Mapping[str, Record]
    tags: Mapping[str, str]
    ways: Mapping[str, str]


NO_RECORDS = Records({}, {}, {})


def file_name(key: str) -> str | None:
    """The name of a way's file; None where it would be too long. `lua/enter.lua` does the same."""
    name = UNUSUAL.sub(lambda byte: b"%%%02x" % byte[0][0], key.encode())
    return name.decode() if len(name) <= LONGEST_FILE else None


def row_name(table: str, host: str, cluster: str) -> str:
    """What a row is called in records."""
    return f"{table} {host} {cluster}"


class RecordEncoder:
    """Remembers the last records, so that a change costs what changed."""

    def __init__(self) -> None:
        # By table and host: what each branch does there, and the lines that say so.
        self._places: dict[str, dict[str, BranchOverride]] = {}
        self._overrides: dict[str, tuple[BranchOverride, ...]] = {}
        # By branch, and then by table and host.
        self._lines: dict[str, dict[str, Lines]] = {}
        self._records: dict[str, Record] = {}
        self._entries: Entries | None = None
        self._ways = Ways({}, (), {})
        self._file_names: dict[str, str | None] = {}
        self._labels: dict[str, str] = {}
        self._marks: Marks | None = None
        self._tags: dict[str, str] = {}
        self._files: dict[str, str] = {}

    @property
    def ways(self) -> Ways:
        """The ways of the last snapshot."""
        return self._ways

    def encode(self, snapshot: Snapshot) -> Records:
        """The records of a snapshot."""
        tables = tuple(snapshot.tables.values())
        changed = self._follow_entries(tables) | set(self._follow_overrides(tables))
        marks = next((table.marks for table in tables), None)
        tags = dict(marks.tags) if marks is not None else {}
        if marks is not self._marks:
            self._marks = marks
            self._tags = _unique(tags)
            changed |= {name for name in self._records if name not in tags}
        records = {name: self._records[name] for name in tags if name in self._records}
        for name in (*changed, *(tags.keys() - self._records.keys())):
            if name in tags:
                records[name] = self._record(name, tags[name])
        self._records = records
        return Records(records, self._tags, self._files)

    def _record(self, name: str, tag: str) -> Record:
        lines = {row: cluster for place in self._lines.get(name, {}).values() for row, cluster in place.items()}
        return Record(tag, self._labels.get(name, name), lines)

    def _follow_entries(self, tables: Iterable[RouteTable]) -> set[str]:
        """Takes in the ways into branches; returns the branches whose label changed."""
        entries = next((table.entries for table in tables if table.entries is not None), Entries())
        if entries is self._entries:
            return set()
        self._entries = entries
        self._ways = ways_of(entries)
        last = self._file_names
        self._file_names = {key: last[key] if key in last else file_name(key) for key in self._ways.by_key}
        named = zip(self._file_names.values(), self._ways.by_key.values(), strict=True)
        self._files = {name: branch for name, branch in named if name is not None}
        labels = {entry.branch: entry.label for entry in entries.entries if entry.label != entry.branch}
        former, self._labels = self._labels, labels
        return {name for name in former.keys() | labels.keys() if former.get(name) != labels.get(name)}

    def _follow_overrides(self, tables: Iterable[RouteTable]) -> Iterator[str]:
        """Takes in what branches change; yields the branches for which that is something else now."""
        places: dict[str, dict[str, BranchOverride]] = {}
        for table in tables:
            for host in table.hosts:
                place = f"{table.name} {host.name}"
                former = self._places.get(place, {})
                if host.overrides:
                    if self._overrides.get(place) is host.overrides:
                        places[place] = former
                        continue
                    self._overrides[place] = host.overrides
                    overrides = places[place] = {override.branch: override for override in host.overrides}
                    for branch, override in overrides.items():
                        if former.get(branch) is not override:
                            self._lines.setdefault(branch, {})[place] = _lines(table.name, host.name, override)
                            yield branch
                    if len(former) + 1 == len(overrides) and former.keys() <= overrides.keys():
                        continue
                    yield from self._forget(place, former.keys() - overrides.keys())
        for place in self._places.keys() - places.keys():
            self._overrides.pop(place, None)
            yield from self._forget(place, self._places[place])
        self._places = places

    def _forget(self, place: str, branches: Iterable[str]) -> Iterator[str]:
        for branch in branches:
            places = self._lines[branch]
            del places[place]
            if not places:
                del self._lines[branch]
            yield branch


def _lines(table: str, host: str, override: BranchOverride) -> Lines:
    """Also for what is not ready: until the table has the row that says so, and until it has it no longer."""
    return {row_name(table, host, former): cluster or NOWHERE for former, cluster in override.swap}


def _unique(tags: Mapping[str, str]) -> dict[str, str]:
    """Branches by tag. Two branches with one tag: an id alone says neither."""
    by_tag: dict[str, str] = {}
    for name, tag in tags.items():
        by_tag[tag] = "" if tag in by_tag else name
    return {tag: name for tag, name in by_tag.items() if name}
