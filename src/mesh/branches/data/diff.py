"""What differs between a branch's store and the baseline's, as both are now.

The engine's own client in the pods writes its data as text, a row or key a line; what stands in one and not in the
other differs. Which engine it is, the files of the volume say. Without its client, files and their sizes are compared.
"""

import asyncio
import re
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from mesh.branches.data.copy_job import DataError
from mesh.branches.data.keeper import DataKeeper
from mesh.branches.data.stores import pods_of
from mesh.branches.data.work import Copying
from mesh.pods.runtime.interface import StartError
from mesh.pods.store_pods import StorePods
from mesh.resources.analysis.stores import Workload, data_volumes, pod_spec
from mesh.resources.core.pod import Pod
from mesh.resources.meshmall.branch import BRANCH_LABEL, SERVICE_LABEL, Branch
from mesh.resources.values.body import Body
from mesh.store import Store

# For each engine a script that writes the data of the pod's store. `$1` is the folder of the engine's files as the pod
# sees it, `$2` a file of it, `$3` a user that the workload names. Without the client it ends with 127.
POSTGRES = """
command -v psql >/dev/null && command -v pg_dump >/dev/null || exit 127
port=$(sed -n 4p "$1/postmaster.pid"); host=$(sed -n 5p "$1/postmaster.pid")
for user in "$PGUSER" "$POSTGRES_USER" "$3" postgres "$(id -un)"; do
  test -n "$user" && psql -w -h "$host" -p "$port" -U "$user" -d template1 -Atc "select 1" >/dev/null && break
done
psql -w -h "$host" -p "$port" -U "$user" -d template1 -Atc \
  "select datname from pg_database where datallowconn and datname !~ '^template'" | while read -r name; do
  echo "== $name"
  pg_dump -w -h "$host" -p "$port" -U "$user" --inserts "$name" || exit 1
done
"""
MARIADB = """
dump=$(command -v mariadb-dump || command -v mysqldump) || exit 127
password=${MARIADB_ROOT_PASSWORD:-$MYSQL_ROOT_PASSWORD}
for socket in "$1"/../sock "$1"/*sock /run/mysqld/mysqld.sock /var/run/mysqld/mysqld.sock /tmp/mysql.sock; do
  test -S "$socket" && break
done
exec "$dump" --socket="$socket" --user=root ${password:+--password="$password"} --all-databases \
  --skip-extended-insert --skip-comments --single-transaction --ignore-table=mysql.innodb_table_stats \
  --ignore-table=mysql.innodb_index_stats
"""
REDIS = """
command -v redis-cli >/dev/null || exit 127
exec redis-cli --raw eval "local rows = {} for _, k in ipairs(redis.call('KEYS', '*')) do
  local v = redis.call('DUMP', k) rows[#rows + 1] = 'KEY ' .. k .. ' ' .. redis.sha1hex(v) end return rows" 0
"""
SQLITE = """
command -v sqlite3 >/dev/null && exec sqlite3 -readonly "$1/$2" .dump
command -v python3 >/dev/null || exit 127
exec python3 -c "
import sqlite3, sys
for line in sqlite3.connect(sys.argv[1]).iterdump(): print(line)" "$1/$2"
"""
ROW = re.compile(rb"(?:INSERT INTO (?P<table>[^ (]+(?:\.[^ (]+)?)|KEY (?P<key>\S+))")
LONGEST_DUMP, READ_LIMIT = 2 << 30, 300.0
NO_CLIENT = 127
MOST_SHOWN = 20


class Engine(NamedTuple):
    """An engine that was recognised: the folder in the pod, and the file that its script is for."""

    name: str
    script: str
    folder: str
    file: str


class Difference(NamedTuple):
    """Something that differs: what, how many rows (or keys, or bytes) only the branch and only the baseline has."""

    what: str
    added: int
    removed: int


def recognise(volume: Path, mount: str) -> Engine | None:
    """The engine whose files a volume has; `mount` is where the pod sees it."""
    for pattern, name, script in (
        ("**/PG_VERSION", "PostgreSQL", POSTGRES),
        ("**/ibdata1", "MariaDB", MARIADB),
        ("**/appendonlydir", "Redis", REDIS),
        ("**/*.rdb", "Redis", REDIS),
    ):
        matches = sorted(volume.glob(pattern), key=lambda path: len(path.parts))
        if matches:
            inner = matches[0].parent.relative_to(volume)
            return Engine(name, script, str(Path(mount) / inner), matches[0].name)
    for path in sorted(volume.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                if file.read(16) == b"SQLite format 3\0":
                    return Engine("SQLite", SQLITE, str(Path(mount) / path.parent.relative_to(volume)), path.name)
    return None


def differences(baseline: Mapping[str, Counter[bytes]], branch: Mapping[str, Counter[bytes]]) -> list[Difference]:
    """What differs between two dumps, by table; a table is a multiset of its rows' hashes."""
    found = []
    for table in sorted({*baseline, *branch}):
        before, after = baseline.get(table, Counter()), branch.get(table, Counter())
        added, removed = (after - before).total(), (before - after).total()
        if added or removed:
            found.append(Difference(table, added, removed))
    return found


async def table_of(lines: AsyncIterator[bytes]) -> dict[str, Counter[bytes]]:
    """A dump as multisets of hashes: rows by their table, keys each by itself, everything else as the schema."""
    tables: defaultdict[str, Counter[bytes]] = defaultdict(Counter)
    database = ""
    async for line in lines:
        if line.startswith(b"== "):
            database = f"{line[3:].decode(errors='replace')}."
            continue
        match = ROW.match(line)
        if match is None:
            # Dumps say when they were made and with which password nobody else may read them.
            if line.strip() and not line.startswith((b"--", b"\\", b"/*", b"SET ", b"SELECT pg_catalog")):
                tables[f"{database}schema"][_hash(line)] += 1
        elif match["key"] is not None:
            tables[f"key {match['key'].decode(errors='replace')}"][_hash(line)] += 1
        else:
            tables[database + match["table"].decode(errors="replace").strip('"`')][_hash(line)] += 1
    return tables


def _hash(line: bytes) -> bytes:
    return blake2b(line, digest_size=8).digest()


def file_table(folder: Path) -> dict[str, Counter[bytes]]:
    """A folder's files with their sizes, as a dump would be."""
    return {
        str(path.relative_to(folder)): Counter({str(path.stat().st_size).encode(): 1})
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


class DataDiff:
    """Compares the stores of branches."""

    def __init__(self, store: Store, copying: Copying, keeper: DataKeeper) -> None:
        self._store = store
        self._pods = copying.pods
        self._keeper = keeper

    async def diff(self, branch: Branch, names: Iterable[str]) -> list[Body]:
        """A body for each store: `store`, `by` (the engine, or "files") and its `differences`. Raises DataError."""
        bodies = []
        for name in names:
            store = branch.spec.data.get(name)
            workload = self._keeper.workload(branch, name) if store is not None and not store.url else None
            if store is None or workload is None:
                has = ", ".join(branch.spec.data) or "none"
                raise DataError(f"branch {branch.metadata.name} has no copied store {name!r} (it has {has})")
            by, found = await self._of_store(branch, name, workload)
            shown = [difference._asdict() for difference in found]
            bodies.append({"store": name, "by": by, "differences": shown})
        return bodies

    async def _of_store(self, branch: Branch, name: str, workload: Workload) -> tuple[str, list[Difference]]:
        everyone = self._store.of(Pod)
        own = {BRANCH_LABEL: branch.metadata.name, SERVICE_LABEL: name}.items()
        copies = [
            pod
            for pod in everyone
            if pod.metadata.namespace == branch.metadata.namespace and own <= pod.metadata.labels.items()
        ]
        originals = pods_of(workload, everyone)
        copies.sort(key=lambda pod: pod.metadata.name)
        found: list[Difference] = []
        by = ""
        for original, copy in zip(originals, copies, strict=False):
            for volume in data_volumes(workload, branch.spec.data[name].volumes):
                by, differing = await self._of_volume(workload, volume, original, copy)
                found += differing
        if not by:
            raise DataError(f"the pods of {name} are not running")
        return by, found

    async def _of_volume(
        self, workload: Workload, volume: str, original: Pod, copy: Pod
    ) -> tuple[str, list[Difference]]:
        folders = [self._pods.volume(self._store, pod, volume) for pod in (original, copy)]
        mount = next(
            (
                mount.mount_path
                for c in pod_spec(workload).containers
                for mount in c.volume_mounts
                if mount.name == volume
            ),
            "/",
        )
        engine = await asyncio.to_thread(recognise, folders[1], mount)
        if engine is not None:
            words = [
                "sh",
                "-c",
                f"exec 2>/dev/null\n{engine.script}",
                "sh",
                engine.folder,
                engine.file,
                _user_of(workload),
            ]
            tables = [await _dump(self._pods, pod, words) for pod in (original, copy)]
            if tables[0] is not None and tables[1] is not None:
                return engine.name, differences(tables[0], tables[1])
        before, after = [await asyncio.to_thread(file_table, folder) for folder in folders]
        return "files", differences(before, after)


def _user_of(workload: Workload) -> str:
    """The user that some command of the workload connects as."""
    for container in pod_spec(workload).containers:
        probe = container.readiness_probe
        words = [*container.command, *container.args, *(probe.exec.command if probe and probe.exec else ())]
        if match := re.search(r"--username[= ](\w+)|-U ?(\w+)", " ".join(words)):
            return match[1] or match[2]
    return ""


async def _dump(pods: StorePods, pod: Pod, words: list[str]) -> dict[str, Counter[bytes]] | None:
    """A pod's data; None when it has no client for it. Raises DataError."""
    try:
        async with asyncio.timeout(READ_LIMIT):
            lines, ended = await pods.open(pod.metadata.uid or "", words)
            tables = await table_of(lines)
            code = await ended()
    except StartError as error:
        raise DataError(f"pod {pod.metadata.name}: {error}") from None
    except TimeoutError:
        raise DataError(f"pod {pod.metadata.name}: its data could not be read within {READ_LIMIT:g} s") from None
    if code == NO_CLIENT:
        return None
    if code != 0:
        raise DataError(f"pod {pod.metadata.name}: reading its data ended with {code}: is it running?")
    return tables
