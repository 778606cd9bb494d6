"""Locks on open files, which the kernel drops when their process ends."""

import fcntl


def try_lock(descriptor: int) -> bool:
    """Lock an open file for this process alone; false if another holds it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
