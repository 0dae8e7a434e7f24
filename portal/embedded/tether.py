"""Runs a program that ends when its parent ends, killed or not: `tether.py PARENT SIGNAL UID:GID|- PROGRAM ARGUMENTS`.

A step between fork and exec, as a script of its own, because a process with threads may not run Python in between.
Only Linux can do it; elsewhere the program is just run. Standard library only.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(parent: str, with_signal: str, account: str, *command: str) -> None:
    """Become `command`. The change of user comes first: it would undo the rest."""
    if account != "-":
        uid, gid = account.split(":")
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(with_signal))
        if os.getppid() != int(parent):
            sys.exit(1)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
