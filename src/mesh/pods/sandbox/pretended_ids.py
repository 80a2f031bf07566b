"""For a container's root that has one id only: changes of owners and users succeed without doing anything.

An image's entry script that starts as root gives files to another user and becomes that user; tar keeps owners. Where
a container has a single id, the kernel refuses all of that, and the program ends. A seccomp filter lets these calls
report success instead, as Charliecloud does it (seccomp(2), SECCOMP_RET_ERRNO with 0): files stay the one user's, and
so do processes, which could not do more as anybody else.
"""

import ctypes
import os
import struct

from mesh.syscalls import prctl

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
ALLOW, SUCCEED = 0x7FFF0000, 0x00050000
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
NUMBER_AT, ARCHITECTURE_AT = 0, 4  # of struct seccomp_data
# By uname's machine: AUDIT_ARCH_..., and chown, fchown, lchown, fchownat, setuid, setgid, setreuid, setregid,
# setgroups, setresuid, setresgid, as far as the architecture has them.
CALLS = {
    "x86_64": (0xC000003E, (92, 93, 94, 260, 105, 106, 113, 114, 116, 117, 119)),
    "aarch64": (0xC00000B7, (55, 54, 146, 144, 145, 143, 159, 147, 149)),
}


def pretend() -> None:
    """Installs the filter for this process and all that it starts; does nothing on other architectures.

    Needs no_new_privs. Raises OSError.
    """
    if os.uname().machine not in CALLS:
        return
    program = filter_of(*CALLS[os.uname().machine])
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in program))
    header = ctypes.create_string_buffer(struct.pack("HP", len(program), ctypes.addressof(code)))
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(header))


def filter_of(architecture: int, numbers: tuple[int, ...]) -> list[tuple[int, int, int, int]]:
    """The filter's steps: code, jump if true, jump if false, operand (struct sock_filter)."""
    return [
        (LOAD, 0, 0, ARCHITECTURE_AT),
        (JUMP_IF_EQUAL, 1, 0, architecture),
        (RETURN, 0, 0, ALLOW),
        (LOAD, 0, 0, NUMBER_AT),
        *((JUMP_IF_EQUAL, len(numbers) - place, 0, number) for place, number in enumerate(numbers)),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, SUCCEED),
    ]
