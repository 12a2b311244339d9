"""Pages in headless Chromium: a hub served on loopback, a browser that notes what a page did, and axe."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response, sync_playwright

from console.web.app import web_app
from pipeline.hub import Hub

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
LOCALES = {"en": "en-US", "zh": "zh-CN"}
LEVELS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
RULES = {"resultTypes": ["violations"], "runOnly": {"type": "tag", "values": LEVELS}}
MOST_BYTES = 60_000


@contextmanager
def chromium() -> Iterator[Browser]:
    """One browser; skips the test where there is none."""
    if not shutil.which(CHROMIUM):
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def served(hub: Hub) -> Iterator[str]:
    """The hub's pages on a free port of loopback; yields their address."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(web_app(hub), log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


@dataclass
class Watched:
    """A page and what it did since it was last opened: complaints, requests elsewhere, and bytes fetched."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("response", self._came)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def _came(self, response: Response) -> None:
        if not response.url.startswith(self.address):
            self.foreign.append(response.url)
        elif not 300 <= response.status < 400:
            self.sizes[response.url] = len(response.body())

    def open(self, path: str) -> Response:
        """Go to a page of the hub."""
        self.complaints, self.foreign, self.sizes = [], [], {}
        response = self.page.goto(self.address + path)
        assert response is not None
        return response


def watched(
    browser: Browser, address: str, token: str, *, language: str = "en", width: int = 1200, scripts: bool = True
) -> tuple[BrowserContext, Watched]:
    """A fresh browser window of somebody who is logged in."""
    context = browser.new_context(
        viewport={"width": width, "height": 800}, locale=LOCALES[language], java_script_enabled=scripts
    )
    context.add_cookies([{"name": "millstream", "value": token, "url": address}])
    context.set_default_timeout(30_000)
    return context, Watched(context.new_page(), address)


def violations(page: Page) -> list[str]:
    """What axe finds against WCAG A and AA, each with the elements it found it on."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE_SCRIPT)
    found: list[dict[str, Any]] = page.evaluate("rules => axe.run(rules).then(found => found.violations)", RULES)
    return [f"{one['id']}: {[node['html'][:160] for node in one['nodes'][:3]]}" for one in found]


def is_too_wide(page: Page) -> bool:
    """Whether the page scrolls sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))
