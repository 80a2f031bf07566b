"""As root the tests in the folders beside this one run a second time, as a user without any privilege."""

import asyncio
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from tests.with_namespaces.ordinary_user import UID


@pytest.mark.skipif(os.geteuid() != 0, reason="the tests run as an ordinary user already")
@pytest.mark.parametrize("folder", ["sandbox", "mesh"])
async def test_an_ordinary_user_needs_no_privilege(folder: str) -> None:
    root = Path(__file__).parents[2]
    base = Path(tempfile.mkdtemp(prefix="mesh-ordinary-"))
    os.chown(base, UID, UID)
    options = ["-n0", "-p", "no:cacheprovider", f"--basetemp={base / 'pytest'}"]
    tests = [sys.executable, "-m", "pytest", f"tests/with_namespaces/{folder}", *options]
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.with_namespaces.ordinary_user", str(UID), *tests),
            cwd=root,
            env={"PATH": os.environ["PATH"], "HOME": str(base), "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
    finally:
        shutil.rmtree(base)
    text = output.decode()
    assert process.returncode == 0, text
    assert "passed" in text
