"""Changes of owners succeed without doing anything; everything else is what it was."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mesh.pods.sandbox.pretended_ids import CALLS

SCRIPT = """
import os, sys
from mesh.pods.sandbox.pretended_ids import pretend
from mesh.syscalls import PR_SET_NO_NEW_PRIVS, prctl
prctl(PR_SET_NO_NEW_PRIVS, 1)
before = os.getuid()
pretend()
os.chown(sys.argv[1], 12345, 12345)
os.setgroups([7]); os.setgid(12345); os.setuid(12345)
assert os.getuid() == before and os.stat(sys.argv[1]).st_uid == before
try:
    open("/no/such/file")
except FileNotFoundError:
    os.execvp("true", ["true"])
"""


def test_owners_and_users_seem_to_change(tmp_path: Path) -> None:
    if os.uname().machine not in CALLS:
        pytest.skip("the numbers of this architecture's system calls are not known")
    file = tmp_path / "file"
    file.touch()
    subprocess.run([sys.executable, "-c", SCRIPT, str(file)], check=True)
