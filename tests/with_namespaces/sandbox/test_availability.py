"""The trial on a machine that refuses: one whose user namespaces are switched off, made of a user namespace."""

import asyncio
import os
import sys

import pytest

from mesh.pods.sandbox.availability import Available, can_use_namespaces

SWITCHED_OFF = """
import os
from pathlib import Path
from mesh.pods.sandbox.availability import can_use_namespaces
from mesh.pods.sandbox.namespaces import enter_user_namespace
enter_user_namespace(os.getuid(), os.getgid())
Path("/proc/sys/user/max_user_namespaces").write_text("0")
print(*can_use_namespaces(), sep="\\n")
"""


def test_they_are_available_here() -> None:
    assert can_use_namespaces() == Available(user_namespace=os.geteuid() != 0)


@pytest.mark.skipif(os.geteuid() == 0, reason="root needs no user namespace")
async def test_user_namespaces_that_are_switched_off() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SWITCHED_OFF), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    assert output.decode().splitlines() == [
        "user namespaces are switched off (user.max_user_namespaces)",
        "sudo sysctl -w user.max_user_namespaces=15000, or run as root",
    ]
