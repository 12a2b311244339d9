"""Query cursors: the rest of a query's records, as they were when it was asked."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final

from sandbox.crm.errors import CrmError

MOST_OPEN: Final = 50


class Cursors:
    """Open cursors of this process; the oldest goes when there are too many. A page may be read again."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, tuple[list[dict[str, Any]], int]] = OrderedDict()
        self._opened = 0

    def first(self, found: list[dict[str, Any]], size: int, version: str) -> dict[str, Any]:
        """The first page; a cursor is opened only when there is more."""
        if len(found) <= size:
            return {"totalSize": len(found), "done": True, "records": found}
        self._opened += 1
        name = f"01gDm{self._opened:010d}AAA"
        self._open[name] = (found, size)
        while len(self._open) > MOST_OPEN:
            self._open.popitem(last=False)
        return self._page(name, 0, version)

    def page(self, locator: str, version: str) -> dict[str, Any]:
        """The page a locator names; CrmError INVALID_QUERY_LOCATOR."""
        name, _, at = locator.rpartition("-")
        if name not in self._open or not at.isdigit() or int(at) >= len(self._open[name][0]):
            raise CrmError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(name, int(at), version)

    def _page(self, name: str, at: int, version: str) -> dict[str, Any]:
        found, size = self._open[name]
        page: dict[str, Any] = {"totalSize": len(found), "done": at + size >= len(found)}
        if not page["done"]:
            page["nextRecordsUrl"] = f"/services/data/{version}/query/{name}-{at + size}"
        return {**page, "records": found[at : at + size]}
