"""The pages of operators and admins as people meet them: both widths and languages, by keyboard, without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from canonical.commands import State
from pipeline.hub import Hub
from store import outbox, quarantine, tokens
from tests.browser.browsing import MOST_BYTES, Watched, chromium, is_too_wide, served, violations, watched
from tests.browser.hub_of_pages import ADMIN, NOBODY, STEWARD, busy_hub, command, link_of, token_of

MOST_BYTES_WITH_CHARTS = 300_000
ORDER = "SO-26-00072"
RECORD = "/quarantine/record?stage=conform&system=crm&entity=item&key=FG-2"
PAGES = {
    "home": "/", "outbox": "/outbox", "outbox held": "/outbox?state=held", "outbox, last page": "/outbox?page=9",
    "command": f"/outbox/{command(1).id}", "no command": "/outbox/nowhere", "quarantine": "/quarantine",
    "quarantine, filtered": "/quarantine?entity=item&stage=judge&page=2", "record": RECORD,
    "golden record": "/quarantine/record?stage=judge&system=golden&entity=item&key=DW-0001",
    "no record": "/quarantine/record?key=x", "tasks": "/tasks", "tasks done": "/tasks?state=done",
    "notices": "/notices?all=1", "quality": "/quality", "audit": "/audit", "audit of nobody": "/audit?actor=nobody",
    "people": "/people", "nowhere": "/nowhere",
    "stuck": "/stuck", "orders": "/orders", "order": f"/orders?number={ORDER}",
    "no order": "/orders?number=x", "tokens": "/tokens",
}  # fmt: skip
MISSING = {"no order", "no command", "no record", "nowhere"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    opened = busy_hub(tmp_path_factory.mktemp("hub"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def address(hub: Hub) -> Iterator[str]:
    with served(hub) as at:
        yield at


@pytest.fixture(scope="module", params=["en", "zh"])
def window(browser: Browser, hub: Hub, address: str, request: pytest.FixtureRequest) -> Iterator[Watched]:
    context, seen = watched(browser, address, token_of(hub, ADMIN), language=request.param)
    with context:
        yield seen


def _is_clean(seen: Watched, most: int) -> None:
    for width in (1200, 390):
        seen.page.set_viewport_size({"width": width, "height": 800})
        assert violations(seen.page) == []
        assert not is_too_wide(seen.page)
    assert seen.foreign == []
    assert sum(seen.sizes.values()) <= most


@pytest.mark.long
@pytest.mark.parametrize("name", PAGES)
def test_page__is_clean_and_small_at_both_widths(window: Watched, name: str) -> None:
    response = window.open(PAGES[name])
    assert response.status == (404 if name in MISSING else 200)
    assert [one for one in window.complaints if name not in MISSING or "404" not in one] == []
    _is_clean(window, MOST_BYTES_WITH_CHARTS if name == "quality" else MOST_BYTES)


def _tell(page: Page, place: str, *said: tuple[str, str]) -> None:
    """Fill the form that goes to a place, and send it."""
    for name, value in said:
        page.locator(f"form[action='{place}'] [name={name}]:not([type=hidden])").fill(value)
    page.locator(f"form[action='{place}'] button").first.click()
    page.wait_for_load_state()


ONCE = {
    "link made": ("/people", "/people/link", (), r"/password/[\w-]{43}$"),
    "token made": ("/tokens", "/tokens", (("name", "made.by.hand"),), r"^ms_[\w-]{43}$"),
}


@pytest.mark.parametrize("name", ONCE)
def test_secret__that_is_shown_once_is_seen_whole_at_both_widths(window: Watched, hub: Hub, name: str) -> None:
    start, place, said, secret = ONCE[name]
    with hub.store.begin() as tx:
        tokens.revoke(tx, "made.by.hand", "test", hub.now())
    window.open(start)
    for summary in window.page.locator("td summary").all()[:1]:
        summary.click()
    _tell(window.page, place, *said)
    shown = window.page.locator("textarea[readonly]")
    assert re.search(secret, shown.input_value())
    assert window.complaints == []
    _is_clean(window, MOST_BYTES)
    for width in (1200, 390):
        window.page.set_viewport_size({"width": width, "height": 800})
        assert shown.evaluate("one => one.scrollHeight <= one.clientHeight + 2 && one.scrollWidth <= one.clientWidth")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_log_in_and_password__that_went_wrong_are_clean_and_say_so(
    browser: Browser, hub: Hub, address: str, language: str
) -> None:
    context, seen = watched(browser, address, "", language=language)
    with context:
        seen.open("/log-in")
        _tell(seen.page, "/log-in", ("name", NOBODY), ("password", "not their password"))
        expect(seen.page.get_by_role("alert")).to_be_visible()
        expect(seen.page.locator("#password")).to_be_focused()
        _is_clean(seen, MOST_BYTES)
        seen.open(f"/password/{link_of(hub, NOBODY)}")
        seen.page.locator("#password").fill("one long password")
        seen.page.locator("#again").fill("another long password")
        seen.page.locator("button").click()
        expect(seen.page.get_by_role("alert")).to_be_visible()
        _is_clean(seen, MOST_BYTES)


@pytest.mark.long
def test_page__is_clean_in_the_dark(browser: Browser, hub: Hub, address: str) -> None:
    context, seen = watched(browser, address, token_of(hub, ADMIN))
    with context:
        seen.page.emulate_media(color_scheme="dark")
        for name in ("home", "outbox", "command", "record", "quality", "people"):
            seen.open(PAGES[name])
            assert violations(seen.page) == [], name


@pytest.mark.parametrize("language", ["en", "zh"])
def test_log_in_and_password__are_clean(browser: Browser, hub: Hub, address: str, language: str) -> None:
    context, seen = watched(browser, address, "", language=language)
    with context:
        for path in ("/log-in", f"/password/{link_of(hub, NOBODY)}"):
            assert seen.open(path).status == 200
            assert seen.complaints == []
            _is_clean(seen, MOST_BYTES)


def test_newcomer__sets_a_password_by_link_and_logs_in_by_keyboard_alone(
    browser: Browser, hub: Hub, address: str
) -> None:
    context, seen = watched(browser, address, "", scripts=False)
    with context:
        page, typed = seen.page, "a password typed by hand"
        seen.open(f"/password/{link_of(hub, NOBODY)}")
        expect(page.get_by_label("New password")).to_be_focused()
        _type(page, typed, "Tab", typed, "Enter")
        expect(page.get_by_role("status")).to_have_text("Your password is set. Log in with it.")
        expect(page.locator("#name")).to_be_focused()
        _type(page, NOBODY, "Tab", typed, "Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Good day, {NOBODY}")
        expect(page.get_by_text("You have no role here yet")).to_be_visible()
        assert all(cookie["httpOnly"] for cookie in context.cookies())


def _type(page: Page, *what: str) -> None:
    for one in what:
        if one in {"Tab", "Enter"}:
            page.keyboard.press(one)
        else:
            page.keyboard.type(one)


def test_language__is_chosen_on_any_page_and_remembered(browser: Browser, hub: Hub, address: str) -> None:
    context, seen = watched(browser, address, token_of(hub, ADMIN), scripts=False)
    with context:
        seen.open("/outbox?state=held")
        seen.page.get_by_role("link", name="中文").click()
        assert "state=held" in seen.page.url
        expect(seen.page.get_by_role("heading", level=1)).to_have_text("发件箱")
        seen.open("/tasks")
        expect(seen.page.locator("html")).to_have_attribute("lang", "zh-CN")


def test_skip_link__leads_past_the_menu(browser: Browser, hub: Hub, address: str) -> None:
    context, seen = watched(browser, address, token_of(hub, ADMIN))
    with context:
        seen.open("/outbox")
        _type(seen.page, "Tab")
        expect(seen.page.locator(":focus")).to_have_text("Skip to the content")
        _type(seen.page, "Enter")
        expect(seen.page.locator("main")).to_be_focused()


def _state(hub: Hub, number: int) -> State:
    with hub.store.read() as tx:
        entry = outbox.entry(tx, command(number).id)
    assert entry is not None
    return entry.state


def test_operator__retries_parks_approves_and_resolves_without_scripts(
    browser: Browser, hub: Hub, address: str
) -> None:
    context, seen = watched(browser, address, token_of(hub, ADMIN), scripts=False)
    with context:
        page = seen.page
        seen.open(f"/outbox/{command(2).id}")
        page.get_by_role("button", name="Send again").click()
        expect(page.get_by_role("status")).to_have_text("It will be sent again.")
        assert _state(hub, 2) is State.PENDING
        page.locator("summary", has_text="Park").click()
        page.get_by_label("Why").fill("the ERP is being upgraded")
        page.get_by_role("button", name="Park").click()
        assert _state(hub, 2) is State.PARKED
        page.locator("summary", has_text="Say how it ended").click()
        page.get_by_label("What you saw").fill("MO100417 stands in the ERP")
        page.get_by_role("button", name="Say how it ended").click()
        assert _state(hub, 2) is State.APPLIED
        seen.open("/outbox?state=held")
        for box in page.get_by_role("checkbox").all()[:2]:
            box.check()
        page.get_by_role("button", name="Approve what is ticked").click()
        assert [_state(hub, number) for number in (60, 61, 62)] == [State.PENDING, State.PENDING, State.HELD]


def test_steward__mends_a_record_and_settles_what_waits_without_scripts(
    browser: Browser, hub: Hub, address: str
) -> None:
    context, seen = watched(browser, address, token_of(hub, STEWARD), width=390, scripts=False)
    with context:
        page = seen.page
        seen.open(RECORD)
        page.get_by_label("Name → name").fill("传动轴")
        page.get_by_role("button", name="Save and send through").click()
        expect(page.get_by_role("status")).to_contain_text("out of quarantine")
        with hub.store.read() as tx:
            assert quarantine.listed(tx, stage="conform", system="crm") == []
        seen.open("/tasks")
        page.locator("summary", has_text="Settle").first.click()
        page.get_by_role("button", name="Done").first.click()
        expect(page.get_by_role("status")).to_have_text("The task is settled.")
        seen.open("/notices")
        page.get_by_role("checkbox", name="Pick").first.check()
        page.get_by_role("button", name="Take note of what is ticked").click()
        expect(page.get_by_role("status")).to_have_text("Taken note of.")


def test_viewer_page__offers_no_act_that_the_role_does_not_open(browser: Browser, hub: Hub, address: str) -> None:
    context, seen = watched(browser, address, token_of(hub, STEWARD))
    with context:
        seen.open(f"/outbox/{command(5).id}")
        expect(seen.page.get_by_role("button", name="Send again")).to_have_count(0)
        expect(seen.page.get_by_role("link", name="People")).to_have_count(0)
