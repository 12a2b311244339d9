"""Passwords: argon2id with the library's own costs, and the one rule that helps, length.

OWASP Password Storage Cheat Sheet; NIST SP 800-63B (length over composition).
"""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 12
LONGEST = 200
_HASHER = PasswordHasher()


def hashed(password: str) -> str:
    """What the store keeps."""
    return _HASHER.hash(password)


def is_right(kept: str | None, password: str) -> bool:
    """Whether a password is the one kept; who has none costs the same time, so that a clock tells no names."""
    try:
        return _HASHER.verify(kept or _nobodys(), password) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(kept: str) -> bool:
    """Whether the hash was made under lower costs than today's."""
    return _HASHER.check_needs_rehash(kept)


def weakness(name: str, password: str) -> str | None:
    """Why a password cannot be taken, as a key of the catalogue; None where it can."""
    if len(password) < SHORTEST:
        return "password.short"
    if len(password) > LONGEST:
        return "password.long"
    if len(set(password)) <= 4 or name.lower() in password.lower():  # noqa: PLR2004 - `aaaabbbb1111` is no password
        return "password.weak"
    return None


@cache
def _nobodys() -> str:
    return _HASHER.hash("nobody's password")
