import subprocess
import sys

PROGRAM = """
import resource
from mesh.daemon.descriptors import raise_descriptor_limit
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 1024))
print(raise_descriptor_limit(512), raise_descriptor_limit(65536), raise_descriptor_limit(300))
"""


def test_the_limit_rises_to_what_is_needed_and_allowed_and_never_falls() -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["512", "1024", "1024"]
