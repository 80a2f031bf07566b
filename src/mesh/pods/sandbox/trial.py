"""Tries what pods need, in a process of its own, and prints as JSON what failed first. See availability."""

import json
import os
import sys

from mesh.pods.network.namespaces import prepare_mesh_network, wire_pod
from mesh.pods.network.netlink import NetlinkError
from mesh.pods.sandbox.namespaces import enter_new
from mesh.syscalls import CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUTS, clone, mount

PODS_ADDRESS = "10.244.255.254"


def trial() -> tuple[list[object] | None, bool]:
    """([step, errno, message] of what failed, or None; whether it took a user namespace)."""
    step, user_namespace = "namespaces", False
    try:
        user_namespace = enter_new()
        step = "network"
        prepare_mesh_network()
        if pid := clone(CLONE_NEWNET):
            # The child waits as a stopped process would: its namespace is entered through /proc.
            namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
            os.kill(pid, 9)
            os.waitpid(pid, 0)
        else:
            while True:
                os.read(os.pipe()[0], 1)
        wire_pod(namespace, PODS_ADDRESS)
        step = "proc"
        if pid := clone(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID):
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            if code:
                raise OSError(code, os.strerror(code))
        else:
            _mount_proc()
    except OSError as error:
        if isinstance(error, NetlinkError) and str(error.strerror).startswith("nftables"):
            step = "nftables"
        return [step, error.errno or 0, error.strerror or str(error)], user_namespace
    return None, user_namespace


def _mount_proc() -> None:
    code = 0
    try:
        mount("proc", "/proc", "proc")
    except OSError as error:
        code = error.errno or 1
    os._exit(code)


if __name__ == "__main__":
    failure, in_user_namespace = trial()
    sys.stdout.write(json.dumps({"failure": failure, "user_namespace": in_user_namespace}))
