"""The stewards' pages as people meet them: narrow and wide, in both languages, by keyboard alone, without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from canonical.actors import Actor, Role
from pipeline import stewardship
from tests.browser.browsing import MOST_BYTES, Watched, chromium, is_too_wide, served, violations, watched
from tests.browser.steward_plant import APPROVER, STEWARD, VIEWER, hang_together, mass_change, steward_plant, token_of
from tests.unit.pipeline.mastered import MasteredPlant


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[MasteredPlant, str]]:
    """A plant that tests only look at."""
    plant = steward_plant(tmp_path_factory.mktemp("still"))
    mass_change(plant)
    hang_together(plant)
    with served(plant.hub) as address:
        yield plant, address
    plant.hub.close()


@pytest.fixture
def lively(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[MasteredPlant, str]]:
    """A plant in which decisions are taken."""
    plant = steward_plant(tmp_path_factory.mktemp("lively"))
    with served(plant.hub) as address:
        yield plant, address
    plant.hub.close()


def _item(plant: MasteredPlant, kind: str, entity: str = "item") -> str:
    return next(one.item for one in stewardship.queue(plant.hub).items if (one.kind, one.entity) == (kind, entity))


PAGES = {
    "queue": lambda plant: "/queue",
    "queue searched": lambda plant: f"/queue?text={quote('lvshi')}",
    "queue empty": lambda plant: "/queue?text=nobody",
    "pair of items": lambda plant: f"/queue/{_item(plant, 'match')}",
    "pair of partners": lambda plant: f"/queue/{_item(plant, 'match', 'partner')}",
    "pair, blind": lambda plant: f"/queue/{_item(plant, 'match')}?blind=1",
    "conflict": lambda plant: f"/queue/{_item(plant, 'conflict')}",
    "duplicate": lambda plant: f"/queue/{_item(plant, 'duplicate')}",
    "approval": lambda plant: f"/queue/{_item(plant, 'approval')}",
    "gone": lambda plant: "/queue/0123456789abcdef",
    "compare": lambda plant: "/compare?entity=item&record=erp:1000&record=erp:1001&record=crm:S00",
    "compare, wrong": lambda plant: "/compare?entity=item&record=erp:1000&record=nowhere",
    "records": lambda plant: "/records?text=nljls",
    "record": lambda plant: "/records/item?id=DW-CONF-1&about=2026-11-02T20:00",
    "record with relations": lambda plant: f"/records/partner?id={MOULDS}",
}


MOULDS = "91320500MA1X03"
WHERE = "document.activeElement.closest('main') && document.activeElement.outerHTML"


WINDOWS = (
    ("en", 1200), ("zh", 390), pytest.param(("en", 390), marks=pytest.mark.long),
    pytest.param(("zh", 1200), marks=pytest.mark.long),
)  # fmt: skip


@pytest.fixture(scope="module", params=WINDOWS, ids=str)
def window(
    browser: Browser, still: tuple[MasteredPlant, str], request: pytest.FixtureRequest
) -> Iterator[tuple[str, Watched]]:
    """A language, and an approver's window in it."""
    plant, address = still
    language, width = request.param
    context, seen = watched(browser, address, token_of(plant, APPROVER), language=language, width=width)
    with context:
        yield language, seen


@pytest.mark.parametrize("name", PAGES)
def test_page__is_clean_and_small(window: tuple[str, Watched], still: tuple[MasteredPlant, str], name: str) -> None:
    language, seen = window
    response = seen.open(PAGES[name](still[0]))
    assert response.status == (404 if name == "gone" else 200)
    seen.complaints = [one for one in seen.complaints if name != "gone" or "404" not in one]
    assert violations(seen.page) == []
    assert not is_too_wide(seen.page)
    assert (seen.complaints, seen.foreign) == ([], [])
    assert response.headers["content-security-policy"].startswith("default-src 'self'")
    assert sum(seen.sizes.values()) <= MOST_BYTES
    assert seen.page.locator("html").get_attribute("lang") == ("zh-CN" if language == "zh" else "en")


@pytest.mark.parametrize(("act", "count"), [("same", 18), ("different", 19), ("keep", 3)])
def test_preview__is_clean_lists_all_and_decides_nothing(
    window: tuple[str, Watched], still: tuple[MasteredPlant, str], act: str, count: int
) -> None:
    plant, (_, seen) = still[0], window
    total = stewardship.queue(plant.hub).total
    seen.open("/queue")
    seen.page.locator("fieldset input[name=all]").check()
    seen.page.locator(f"button[value={act}]").click()
    assert seen.page.url.endswith("/queue/preview")
    assert violations(seen.page) == []
    assert not is_too_wide(seen.page)
    assert seen.complaints == []
    assert seen.page.locator("li b").first.inner_text() == str(count)
    assert seen.page.locator("table.list tbody tr").count() == count
    assert stewardship.queue(plant.hub).total == total


def test_viewer__sees_and_is_offered_no_verdict(browser: Browser, still: tuple[MasteredPlant, str]) -> None:
    plant, address = still
    context, seen = watched(browser, address, token_of(plant, VIEWER))
    with context:
        seen.open(PAGES["pair of items"](plant))
        assert seen.page.locator("main form[method=post]").count() == 0


def test_blind__hides_what_the_model_thinks_until_the_verdict(
    browser: Browser, lively: tuple[MasteredPlant, str]
) -> None:
    plant, address = lively
    context, seen = watched(browser, address, token_of(plant, STEWARD))
    with context:
        seen.open(f"{PAGES['pair of items'](plant)}?blind=1")
        assert seen.page.locator("svg.waterfall").count() == 0
        assert "DW-000" not in seen.page.locator("thead").first.inner_text()
        seen.page.keyboard.press("s")
        seen.page.wait_for_url("**decided=1**")
        assert "99.0 %" in seen.page.get_by_role("status").inner_text()


def test_sitting__twenty_settled_by_keyboard_and_the_last_five_taken_back(
    browser: Browser, lively: tuple[MasteredPlant, str]
) -> None:
    plant, address = lively
    context, seen = watched(browser, address, token_of(plant, STEWARD))
    page = seen.page
    before = plant.state()
    waiting = {one.item for one in stewardship.queue(plant.hub).items}
    with context:
        seen.open("/queue")
        _press(page, "g", "**/queue/*")
        for number in range(1, 21):
            key = "1" if page.locator("[data-key='1']").count() else "s" if number % 3 else "d"
            _press(page, key, f"**decided={number}**")
        assert stewardship.queue(plant.hub).total == len(waiting) - 20
        for number in range(20, 15, -1):
            _press(page, "u", f"**undone={number}**")
        assert stewardship.queue(plant.hub).total == len(waiting) - 15
        assert seen.complaints == []
    for _ in range(15):
        stewardship.undo(plant.hub, _steward())
    assert {one.item for one in stewardship.queue(plant.hub).items} == waiting
    assert plant.state() == before


def _steward() -> Actor:
    return Actor("person", STEWARD, Role.STEWARD)


def _press(page: Page, key: str, address: str) -> None:
    page.keyboard.press(key)
    page.wait_for_url(address)


def test_skip__leaves_the_item_and_goes_on(browser: Browser, still: tuple[MasteredPlant, str]) -> None:
    plant, address = still
    first, second = stewardship.queue(plant.hub).items[:2]
    context, seen = watched(browser, address, token_of(plant, STEWARD))
    with context:
        seen.open(f"/queue/{first.item}")
        _press(seen.page, "n", f"**/queue/{second.item}")
        _press(seen.page, "q", "**/queue")


def test_keyboard__reaches_every_act_by_tab_alone(browser: Browser, still: tuple[MasteredPlant, str]) -> None:
    plant, address = still
    context, seen = watched(browser, address, token_of(plant, STEWARD))
    with context:
        seen.open(PAGES["pair of items"](plant))
        wanted = seen.page.locator("main button:visible, main a:visible, main summary:visible").count()
        reached = set()
        for _ in range(60):
            seen.page.keyboard.press("Tab")
            reached.add(
                seen.page.evaluate("document.activeElement.closest('main') && document.activeElement.outerHTML")
            )
        assert len(reached - {None}) >= wanted


def test_keys__do_nothing_while_somebody_writes_or_composes(
    browser: Browser, lively: tuple[MasteredPlant, str]
) -> None:
    plant, address = lively
    context, seen = watched(browser, address, token_of(plant, STEWARD))
    page = seen.page
    with context:
        seen.open(PAGES["pair of items"](plant))
        here = page.url
        page.locator(".verdict summary").click()
        page.locator("#why").focus()
        page.keyboard.type("sdnu")
        wire = context.new_cdp_session(page)
        wire.send("Input.imeSetComposition", {"text": "shi", "selectionStart": 3, "selectionEnd": 3})
        wire.send("Input.insertText", {"text": "是"})
        assert page.locator("#why").input_value() == "sdnu是"
        page.evaluate("document.activeElement.blur()")
        _compose(page, "s")
        page.wait_for_timeout(150)
        assert page.url == here
        assert stewardship.audited(plant.hub, "decision/1") == ()
        _press(page, "s", "**decided=1**")
        assert stewardship.audited(plant.hub, "decision/1") != ()


def _compose(page: Page, key: str) -> None:
    """A key as a browser tells of it while an input method is at work, outside of any field too."""
    for made in ("{isComposing: true}", "{keyCode: 229}"):
        page.evaluate(
            f"document.body.dispatchEvent(new KeyboardEvent('keydown', {{bubbles: true, key: '{key}', ...{made}}}))"
        )


def test_search__by_pinyin_typed_with_an_input_method(browser: Browser, still: tuple[MasteredPlant, str]) -> None:
    plant, address = still
    context, seen = watched(browser, address, token_of(plant, STEWARD), language="zh")
    page = seen.page
    with context:
        seen.open("/queue")
        page.keyboard.press("/")
        page.keyboard.type("cqls")
        page.keyboard.press("Enter")
        page.wait_for_url("**text=cqls**")
        assert page.locator("table.queue tbody tr").count() == 1
        assert "重庆吕氏五金" in page.locator("table.queue").inner_text()
        page.locator("#by-text").fill("")
        wire = context.new_cdp_session(page)
        wire.send("Input.imeSetComposition", {"text": "zhou cheng", "selectionStart": 10, "selectionEnd": 10})
        assert "cqls" in page.url
        wire.send("Input.insertText", {"text": "轴承"})
        page.keyboard.press("Enter")
        page.wait_for_url(f"**text={quote('轴承')}**")
        assert "大成轴承" in page.locator("table.queue").inner_text()


def test_keys__can_be_turned_off_and_stay_off(browser: Browser, still: tuple[MasteredPlant, str]) -> None:
    plant, address = still
    context, seen = watched(browser, address, token_of(plant, STEWARD))
    with context:
        seen.open("/queue")
        seen.page.locator("[data-keys-switch]").click()
        seen.open("/queue")
        seen.page.keyboard.press("g")
        seen.page.wait_for_timeout(150)
        assert seen.page.url.endswith("/queue")
        seen.page.locator("[data-keys-switch]").click()
        _press(seen.page, "g", "**/queue/*")


def test_without_scripts__everything_is_a_form(browser: Browser, lively: tuple[MasteredPlant, str]) -> None:
    plant, address = lively
    context, seen = watched(browser, address, token_of(plant, STEWARD), scripts=False)
    page = seen.page
    total = stewardship.queue(plant.hub).total
    with context:
        seen.open("/queue")
        page.locator("main a.first").click()
        page.get_by_role("button", name="Same").click()
        assert "Decision 1 is taken" in page.get_by_role("status").inner_text()
        page.get_by_role("button", name="Different").click()
        page.get_by_role("button", name="Undo").click()
        assert "Decision 2" in page.get_by_role("status").inner_text()
        seen.open(f"/queue/{_item(plant, 'conflict')}")
        page.get_by_role("button", name="Choose make").click()
        assert stewardship.queue(plant.hub).total == total - 2
        _assign(seen)
        _bulk(seen, plant)
        _compare(seen, plant)
        _merge_split_pin_revoke(seen, plant)


def _assign(seen: Watched) -> None:
    page = seen.page
    seen.open("/queue")
    page.locator("table.queue input[type=checkbox]").first.check()
    page.locator("fieldset summary").click()
    page.locator("#assignee").select_option(STEWARD)
    page.locator("#due").fill("2026-11-01")
    page.get_by_role("button", name="Assign").click()
    seen.open("/queue?who=me&late=1")
    assert page.locator("table.queue tbody tr").count() == 1
    assert "overdue" in page.locator("table.queue").inner_text().casefold()


def _bulk(seen: Watched, plant: MasteredPlant) -> None:
    """What is previewed is decided, and nothing before."""
    page = seen.page
    seen.open("/queue?entity=partner")
    total = stewardship.queue(plant.hub).total
    page.locator("fieldset input[name=all]").check()
    page.get_by_role("button", name="Preview: different").click()
    assert stewardship.queue(plant.hub).total == total
    assert violations_free(page)
    page.get_by_role("button", name="Decide all 6").click()
    assert stewardship.queue(plant.hub).total == total - 6


def violations_free(page: Page) -> bool:
    """A page without scripts cannot be looked at by axe: headings and labels are checked by hand."""
    unnamed = page.locator("main input:not([type=hidden]):not([aria-label]):not([id])").count()
    return page.locator("h1").count() == 1 and unnamed == 0


def _compare(seen: Watched, plant: MasteredPlant) -> None:
    """Three records compared, two of them ticked, and made one."""
    page = seen.page
    seen.open("/compare?entity=item&record=erp:1009&record=crm:S09&record=erp:1010")
    page.locator("input[name=record][type=checkbox]").nth(2).uncheck()
    page.get_by_role("button", name="The ticked ones are the same").click()
    assert plant.golden()["DW-009"] == {"erp:1009", "crm:S09"}
    assert "Decided" in page.get_by_role("status").inner_text()


def _merge_split_pin_revoke(seen: Watched, plant: MasteredPlant) -> None:
    page = seen.page
    before = plant.golden()
    seen.open("/records/item?id=DW-CONF-1")
    page.locator("summary", has_text="Merge").click()
    page.locator("#other").fill("DW-CONF-3")
    page.get_by_role("button", name="Merge").click()
    assert plant.golden()["DW-CONF-1"] == before["DW-CONF-1"] | before["DW-CONF-3"]
    page.get_by_role("button", name="Take decision").first.click()
    assert plant.golden() == before
    page.locator("input[name=record]").nth(1).check()
    page.get_by_role("button", name="Split").click()
    assert plant.golden()["DW-CONF-1"] == {"erp:20"}
    page.locator("summary", has_text="Pin").click()
    page.locator("#attribute").select_option("name")
    page.locator("#value").fill("Gear housing, pinned")
    page.get_by_role("button", name="Pin").click()
    assert page.locator("h1").inner_text() == "Gear housing, pinned"


def test_mass_change__waits_for_a_second_person_who_approves_by_key(
    browser: Browser, lively: tuple[MasteredPlant, str]
) -> None:
    plant, address = lively
    mass_change(plant)
    place = f"/queue/{_item(plant, 'approval')}"
    context, seen = watched(browser, address, token_of(plant, STEWARD))
    with context:
        seen.open(place)
        assert seen.page.locator("button[value=approve]").count() == 0
    context, seen = watched(browser, address, token_of(plant, APPROVER))
    with context:
        seen.open(place)
        expect(seen.page.locator("button[value=approve]")).to_be_in_viewport()
        _press(seen.page, "a", "**decided=**")
        assert "approval" not in stewardship.queue(plant.hub).by_kind
