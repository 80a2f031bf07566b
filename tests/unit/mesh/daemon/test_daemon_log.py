"""The daemon's log: rotated when it is large, and never taken from anyone else."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import logging, os, sys
from pathlib import Path
from mesh.daemon.daemon_log import RotatingStandardError

logging.basicConfig(handlers=[RotatingStandardError(Path(sys.argv[1]), limit=1000)], format="%(message)s")
for number in range(100):
    logging.warning("line %d of a hundred", number)
os.write(2, b"not from logging\\n")
"""


def run(log: Path, stderr: Path) -> None:
    with stderr.open("ab") as output:
        subprocess.run([sys.executable, "-c", PROGRAM, str(log)], stderr=output, check=True)


def test_a_large_log_is_rotated_and_everything_goes_to_the_new_file(tmp_path: Path) -> None:
    log, older = tmp_path / "daemon.log", tmp_path / "daemon.log.1"
    run(log, log)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["daemon.log", "daemon.log.1"]
    assert 1000 < older.stat().st_size < 1100
    lines = (older.read_text() + log.read_text()).splitlines()
    assert lines[-2:] == ["line 99 of a hundred", "not from logging"]
    assert lines == [f"line {100 - len(lines) + n + 1} of a hundred" for n in range(len(lines) - 1)] + lines[-1:]


def test_a_standard_error_that_is_another_file_is_left_alone(tmp_path: Path) -> None:
    log, journal = tmp_path / "daemon.log", tmp_path / "journal"
    log.touch()
    run(log, journal)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["daemon.log", "journal"]
    assert len(journal.read_text().splitlines()) == 101
