"""Starts the worker and reads what it reports: for the daemon (asynchronous) and the command line."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

from mesh.images.errors import BY_NAME, ImageError

Report = Callable[[Mapping[str, Any]], None]
COMMAND = (sys.executable, "-m", "mesh.images.worker")
# Names of files are bytes; as UTF-8 they survive whatever the user's locale is.
VARIABLES = {"PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"}


async def ask(request: Mapping[str, Any], report: Report = lambda message: None) -> dict[str, Any]:
    """The worker's answer; it is killed when the caller is cancelled. Raises ImageError."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **VARIABLES},
        start_new_session=True,
    )
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    trace = asyncio.create_task(process.stderr.read())
    try:
        process.stdin.write(json.dumps(request).encode())
        process.stdin.close()
        answer: dict[str, Any] = {}
        while line := await process.stdout.readline():
            answer = json.loads(line)
            if "layer" in answer:
                report(answer)
        await process.wait()
    except BaseException:
        if process.returncode is None:
            process.kill()
        await process.wait()
        raise
    finally:
        text = (await trace).decode(errors="replace")
    return _outcome(answer, process.returncode or 0, text)


def ask_now(request: Mapping[str, Any], report: Report = lambda message: None) -> dict[str, Any]:
    """As `ask`, for a program without an event loop."""
    with subprocess.Popen(
        COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **VARIABLES},
    ) as process:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        try:
            process.stdin.write(json.dumps(request).encode())
            process.stdin.close()
            answer: dict[str, Any] = {}
            for line in process.stdout:
                answer = json.loads(line)
                if "layer" in answer:
                    report(answer)
            text = process.stderr.read().decode(errors="replace")
        except BaseException:
            process.kill()
            raise
    return _outcome(answer, process.returncode, text)


def _outcome(answer: Mapping[str, Any], code: int, trace: str) -> dict[str, Any]:
    if "done" in answer:
        done: dict[str, Any] = answer["done"]
        return done
    if "error" in answer:
        raise BY_NAME.get(answer.get("kind", ""), ImageError)(answer["error"])
    last = trace.strip().splitlines()[-1:] or [f"ended with {code}"]
    raise ImageError(f"the process that fetches images failed: {last[0]}")
