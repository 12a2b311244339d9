"""Which process holds a lease, and whether it is gone: a restart need not wait out what a dead process held."""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path

_LIFE = secrets.token_hex(4)
_NAMESPACE = Path("/proc/self/ns/pid")


def process_token() -> str:
    """Host, process and this life of the process (process ids come round again), for owner tokens."""
    return f"{_host()}:{os.getpid()}:{_LIFE}"


def process_is_dead(owner: str) -> bool:
    """Whether the process of an owner token, whatever stands behind it, ran on this host and is gone."""
    host, pid, life = owner.split(":")[:3]
    if host != _host():
        return False
    if int(pid) == os.getpid():
        return life != _LIFE
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False


def _host() -> str:
    """Containers may bear the name of their host, or of one another, and count their processes each for itself."""
    counted = _NAMESPACE.stat().st_ino if _NAMESPACE.exists() else 0
    return f"{socket.gethostname()}/{counted}"
