"""One run of a container's process: what it runs, its output and its log."""

import signal
from dataclasses import dataclass

from mesh.pods.dependencies import PodDependencies
from mesh.pods.host.pod_processes import output_folder
from mesh.pods.images.container_image import ContainerImage
from mesh.pods.invocation import process_spec
from mesh.pods.logs.log_files import LogFile, LogKey
from mesh.pods.logs.log_pipe import LogPipe
from mesh.pods.obstacle import NotYet
from mesh.pods.runtime.interface import ProcessSpec, RunningProcess, Sandbox, StartError
from mesh.pods.streams.container_streams import ContainerStreams
from mesh.resources.core.pod import Container, Pod


@dataclass(frozen=True, slots=True)
class Run:
    """A process that was started for a container, until it has ended; `adopted` when another daemon has started it."""

    spec: ProcessSpec
    sandbox: Sandbox
    process: RunningProcess
    log: LogFile
    pipe: LogPipe
    streams: ContainerStreams
    adopted: bool = False

    @property
    def image_id(self) -> str:
        """As its status shows it: "" for a program of this machine."""
        return self.spec.image.identity if self.spec.image is not None else ""

    def close(self) -> None:
        """The process has ended: takes the rest of its output, closes its log and its streams."""
        self.pipe.close()
        self.streams.close()


async def start_run(
    pod: Pod,
    container: Container,
    restarts: int,
    sandbox: Sandbox,
    dependencies: PodDependencies,
    image: ContainerImage | None = None,
) -> Run:
    """Starts a container's process, whose output goes to the log of this restart. Raises NotYet.

    One that has outlived its daemon is adopted instead.
    """
    spec = process_spec(pod, container, sandbox, dependencies, image)
    key = LogKey(pod.metadata.namespace, pod.metadata.name, container.name)
    output = output_folder(dependencies.home) / (pod.metadata.uid or "") / f"{container.name}.{restarts}"
    try:
        log = dependencies.logs.start(key, restarts)
        pipe = LogPipe(output, log, dependencies.settings.log_interval)
    except OSError as error:
        raise NotYet("CreateContainerError", f"cannot write its log {error.filename}: {error.strerror}") from None
    adopted = sandbox.running(spec)
    if adopted is not None and (spec.stdin or spec.tty):
        # The terminal, or the other end of its input, ended with the daemon that had it.
        adopted.signal(signal.SIGKILL)
        await adopted.wait()
        adopted = None
    try:
        process = adopted or await sandbox.start(spec, output)
    except StartError as error:
        pipe.close()
        raise NotYet("CreateContainerError", f'container "{container.name}": {error}') from None
    except BaseException:
        pipe.close()
        raise
    descriptors = process.descriptors
    streams = ContainerStreams(descriptors, _exit_code(process), once=container.stdin_once)
    # Only now: without a writer, the pipe would read as ended.
    pipe.start(descriptors.stdout if descriptors.is_terminal else None, streams.feed, lambda: streams.attached)
    return Run(spec, sandbox, process, log, pipe, streams, adopted=adopted is not None)


async def _exit_code(process: RunningProcess) -> int:
    return (await process.wait()).code
