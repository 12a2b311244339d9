"""What the pages are drawn with: a few small files, read once, under addresses that change with their content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType

from starlette.responses import Response

from console.web.visit import Visit

FOLDER = Path(__file__).parent / "static"
_KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file; `digest` stands in its address, so that it may be kept for ever."""

    body: bytes
    digest: str
    kind: str


@cache
def assets() -> Mapping[str, Asset]:
    """File name → the file."""
    files = sorted(path for path in FOLDER.iterdir() if path.suffix in _KINDS)
    read = {path.name: (path.read_bytes(), _KINDS[path.suffix]) for path in files}
    return MappingProxyType(
        {name: Asset(body, hashlib.sha256(body).hexdigest()[:12], kind) for name, (body, kind) in read.items()}
    )


def static(visit: Visit) -> Response:
    """One file."""
    found = assets().get(visit.place("file"))
    if found is None or found.digest != visit.place("digest"):
        return Response(status_code=HTTPStatus.NOT_FOUND)
    kept = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(found.body, media_type=found.kind, headers=kept)
