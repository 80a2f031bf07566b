"""As root the tests in the folders beside this one run a second time, as a user without any privilege."""

import asyncio
import os
import sys

import pytest
from tools.as_ordinary_user import ROOT


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="the tests run as an ordinary user already")
@pytest.mark.parametrize("folder", ["sandbox", "mesh"])
async def test_an_ordinary_user_needs_no_privilege(folder: str) -> None:
    tests = [sys.executable, "-m", "pytest", "-n0", "-m=", "-p", "no:cacheprovider", f"tests/with_namespaces/{folder}"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tools.as_ordinary_user", *tests),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    text = output.decode()
    assert process.returncode == 0, text
    assert "passed" in text
