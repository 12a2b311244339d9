"""An error in the reader's language, with what to do about it."""

from __future__ import annotations

from canonical.errors import ConfigurationError, MillstreamError
from console.words.sentences import CLASSES
from console.words.words import Words


def explained(words: Words, error: Exception) -> str:
    """An error in the reader's language; one that is not known in it comes after what its class means."""
    if words.language == "en" or not isinstance(error, MillstreamError):
        return str(error)
    if isinstance(error, ConfigurationError) and error.faults:
        return "\n".join(words.told(line) for line in error.message.splitlines())
    message = words.told(error.message)
    if message.isascii():
        kinds = (kind.__name__ for kind in type(error).__mro__)
        message = f"{next(CLASSES[kind] for kind in kinds if kind in CLASSES)}：{message}"
    where = "/".join(part for part in (error.system, error.entity, error.key) if part)
    hint = f"（{words.told(error.hint)}）" if error.hint else ""
    return f"{where}：{message}{hint}" if where else f"{message}{hint}"
