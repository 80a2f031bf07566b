"""Commands run beside a container: exec probes and lifecycle hooks."""

import asyncio
import os
import signal

from mesh.pods.host.leftovers import Records
from mesh.pods.host.process import Process, StartError
from mesh.pods.invocation import Launch

OUTPUT_LIMIT = 10 * 1024


async def run_command(command: list[str], around: Launch, records: Records, limit: float) -> tuple[int, str]:
    """Runs a command in a container's environment; gives its exit code and the first 10 KiB that it wrote.

    Raises TimeoutError after `limit` seconds; the command and its children are killed then, and when the caller
    is cancelled. A command that cannot be started gives 127 and the reason.
    """
    output = os.memfd_create("output", os.MFD_CLOEXEC)
    try:
        process = Process.start(command, around.environment, around.folder, records, output=output)
        try:
            async with asyncio.timeout(limit):
                ended = await process.wait()
        finally:
            process.signal_group(signal.SIGKILL)
        return ended.code, os.pread(output, OUTPUT_LIMIT, 0).decode(errors="replace")
    except StartError as error:
        return 127, str(error)
    finally:
        os.close(output)
