"""Writes the records of branches to the files that Envoy's scripts read (see `mesh.envoy.encode.branch_records`).

Each file is replaced as a whole, so that a request sees one state of a branch. The order keeps requests of a branch
from going to the baseline in between:

1. `retire`: ways into branches that are gone, then their records. Nobody enters them any more.
2. `prepare`, once Envoy has the clusters, before it has the routes: records with what is new and still with what is
   old, for the rows of either.
3. `finish`, once it has the routes: records as they should be, and at last the ways into new branches.
"""

from collections.abc import Mapping
from pathlib import Path

from mesh.envoy.encode.branch_records import NO_RECORDS, Record, Records

NAMES, TAGS, WAYS = "name", "tag", "way"


class CannotWrite(Exception):
    """A file could not be written (no room, most likely); trying again later may help."""


class BranchFiles:
    """`folder` belongs to it. All methods raise CannotWrite."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: dict[str, Record] = {}
        self._tags: dict[str, str] = {}
        self._ways: dict[str, str] = {}
        self._is_open = False
        # What was written last; while it is the same object, there is nothing to compare.
        self._finished = NO_RECORDS

    def retire(self, records: Records) -> None:
        """Removes what leads into branches that are gone, and their records."""
        self._open()
        if records is self._finished:
            return
        for name in [name for name, branch in self._ways.items() if records.ways.get(name) != branch]:
            self._remove(WAYS, name)
            del self._ways[name]
        for tag in [tag for tag, branch in self._tags.items() if records.tags.get(tag) != branch]:
            self._remove(TAGS, tag)
            del self._tags[tag]
        for name in [name for name in self._names if name not in records.branches]:
            self._remove(NAMES, name)
            del self._names[name]

    def are(self, records: Records) -> bool:
        """Whether these are the records that were finished last."""
        return records.branches == self._finished.branches

    def prepare(self, records: Records) -> None:
        """Writes what changed in records beside what they had."""
        for name, record in _changed(records.branches, self._names):
            former = self._names.get(name)
            self._write_record(name, record if former is None else _with_former(record, former))

    def finish(self, records: Records) -> None:
        """Writes records as they should be, and the ways and tags that are new."""
        if records is self._finished:
            return
        for name, record in _changed(records.branches, self._names):
            self._write_record(name, record)
        for folder, desired, present in ((TAGS, records.tags, self._tags), (WAYS, records.ways, self._ways)):
            if desired is present:
                continue
            for name in desired.keys() - present.keys():
                self._write(folder, name, desired[name].encode())
                present[name] = desired[name]
        self._finished = records

    def remove(self) -> None:
        """Removes everything, at the end of a mesh: nothing may be written after that."""
        for folder in (WAYS, TAGS, NAMES):
            for path in _files(self._folder / folder):
                path.unlink(missing_ok=True)
            _remove_folder(self._folder / folder)
        for path in _files(self._folder):
            path.unlink(missing_ok=True)
        _remove_folder(self._folder)

    def _open(self) -> None:
        """Takes over the files of a daemon that ended while its Envoy went on."""
        if self._is_open:
            return
        try:
            for folder in (NAMES, TAGS, WAYS):
                (self._folder / folder).mkdir(parents=True, exist_ok=True, mode=0o700)
            self._names = {path.name: Record.parse(path.read_bytes()) for path in _files(self._folder / NAMES)}
            self._tags = {path.name: path.read_text() for path in _files(self._folder / TAGS)}
            self._ways = {path.name: path.read_text() for path in _files(self._folder / WAYS)}
        except (OSError, ValueError) as error:
            raise CannotWrite(f"the records of branches in {self._folder}: {error}") from error
        self._is_open = True

    def _write_record(self, name: str, record: Record) -> None:
        self._write(NAMES, name, record.text())
        self._names[name] = record

    def _write(self, folder: str, name: str, content: bytes) -> None:
        temporary = self._folder / "new"
        try:
            temporary.write_bytes(content)
            temporary.rename(self._folder / folder / name)
        except OSError as error:
            raise CannotWrite(f"{self._folder / folder / name}: {error.strerror}") from error

    def _remove(self, folder: str, name: str) -> None:
        try:
            (self._folder / folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise CannotWrite(f"{self._folder / folder / name}: {error.strerror}") from error


def _changed(desired: Mapping[str, Record], present: Mapping[str, Record]) -> list[tuple[str, Record]]:
    """By identity first: with thousands of branches comparing lines would take longer than writing what changed."""
    return [
        (name, record)
        for name, record in desired.items()
        if (former := present.get(name)) is not record and former != record
    ]


def _with_former(record: Record, former: Record) -> Record:
    return record._replace(lines={**former.lines, **record.lines})


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []


def _remove_folder(folder: Path) -> None:
    if folder.is_dir():
        folder.rmdir()
