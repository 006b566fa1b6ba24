"""Long tables in a real Chromium: thousands of rows of which few stand in the page, and none moves under a click."""

import asyncio
from typing import Any

import pytest

from audit.ids import now_ms
from tests.audit.conftest import exchange_record
from tests.proxy.console.browsing import Browser, browser, chromium, needs_chromium
from tests.proxy.console.conftest import ANNA, Console
from tests.proxy.console.test_accessibility import scheme, violations

__all__ = ["browser", "chromium"]
pytestmark = needs_chromium
MANY = 1_500
FEW = 120
"""Rows that may stand in the page at once: what fits into the window, and some around it."""


@pytest.fixture
def console(start: Any) -> Console:
    """A console over many transfers of the last minutes."""
    made: Console = start()
    begun = now_ms() - MANY

    async def many() -> None:
        await asyncio.gather(*(made.ledger.append(exchange_record(at=begun + n)) for n in range(MANY)))

    asyncio.run(many())
    return made


def indices(browser: Browser, box: str = "#found") -> list[int]:
    rows = f"return Array.from(document.querySelectorAll('{box} tbody tr[data-index]'), (row) => Number(row.dataset.index))"
    found: list[int] = browser.driver.execute_script(rows)
    return found


DRAWN = """
const [box, done] = [%s, arguments[0]];
const after = (frames) => frames ? requestAnimationFrame(() => after(frames - 1)) : done();
box.scrollTop += box.clientHeight;
after(3);
"""
"""A window further; the scroll is told in one frame, drawn in the next, and seen in the one after it."""


def to_the_end(browser: Browser, box: str = "#found") -> set[int]:
    """Scrolls until there is nothing older; returns every row that stood in the page meanwhile."""
    seen: set[int] = set()

    def step() -> str:
        there = indices(browser, box)
        assert len(there) <= FEW, "only rows that can be seen stand in the page"
        came = "more" if not seen.issuperset(there) else ""
        seen.update(there)
        browser.driver.execute_async_script(DRAWN % f"document.querySelector('{box}')")
        ended = "That is all" in browser.one(f"{box}-told").text and browser.driver.execute_script(
            f"const box = document.querySelector('{box}');"
            "return box.scrollTop + box.clientHeight >= box.scrollHeight - 1"
        )
        return "end" if ended else came

    while browser.until(step) != "end":  # each window may take its time, however many there are
        pass
    seen.update(indices(browser, box))
    return seen


@pytest.mark.parametrize("width", [1200, 360])
def test_thousands_of_rows_are_scrolled_through_and_few_are_there(browser: Browser, width: int) -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        browser.open("/transfers?kind=transfer")
        seen = to_the_end(browser)
        over = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert browser.driver.execute_script(over) <= 0
        browser.until(lambda: min(seen) in indices(browser))
        assert violations(browser) == []
    finally:
        browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    wanted = {index for index, one in enumerate(browser.console.entries()) if one["kind"] == "transfer"}
    assert seen == wanted
    table = browser.one("#found table")
    assert table.get_attribute("aria-rowcount") == str(len(wanted) + 1)
    assert browser.driver.execute_script("return document.querySelector('a[rel=next]').hidden")
    assert browser.said() == []


def test_the_keyboard_goes_through_the_rows_and_past_them(browser: Browser) -> None:
    from selenium.webdriver.common.keys import Keys

    browser.open("/transfers?kind=transfer")
    browser.until(lambda: browser.all("#found tbody a[tabindex='0']"))
    all_of_them = [index for index, one in enumerate(browser.console.entries()) if one["kind"] == "transfer"][::-1]

    def press(key: str) -> None:
        browser.driver.switch_to.active_element.send_keys(key)

    def on() -> int:
        active = "return Number(document.activeElement.closest('tr')?.dataset.index ?? -1)"
        return int(browser.driver.execute_script(active))

    browser.driver.execute_script("document.querySelector('#found').focus()")
    press(Keys.TAB)
    assert on() == all_of_them[0]
    for _ in range(40):
        press(Keys.ARROW_DOWN)
    assert on() == all_of_them[40]
    press(Keys.END)
    browser.until(lambda: on() > 0 and on() < all_of_them[45])
    press(Keys.HOME)
    assert on() == all_of_them[0]
    press(Keys.PAGE_DOWN)
    stands = on()
    assert stands < all_of_them[2], "a page is several rows, however high they are"
    hidden = (
        "const row = document.activeElement.closest('tr').getBoundingClientRect();"
        "const box = document.querySelector('#found').getBoundingClientRect();"
        "const head = document.querySelector('#found thead').getBoundingClientRect();"
        "return row.top < head.bottom - 1 || row.bottom > box.bottom + 1"
    )
    assert not browser.driver.execute_script(hidden), "the row with the focus is seen whole"
    browser.driver.execute_script("document.querySelector('#found').scrollTop = 0")
    browser.until(lambda: all_of_them[0] in indices(browser))
    assert on() == stands, "scrolling takes the focus from nobody"
    press(Keys.TAB)
    assert on() == -1, "one step leads past the table"


def test_new_rows_wait_while_somebody_points_at_the_table_or_is_further_down(browser: Browser) -> None:
    from selenium.webdriver import ActionChains

    ledger = browser.console.ledger
    browser.open("/transfers?kind=transfer")
    browser.until(lambda: browser.one("#live").get_attribute("data-state") == "on")
    first = indices(browser)
    ActionChains(browser.driver).move_to_element(browser.all("#found tbody tr")[2]).perform()
    place = "return document.querySelector('#found tbody tr[data-index=\"%d\"]').getBoundingClientRect().top"
    was = browser.driver.execute_script(place % first[2])
    ledger.append_blocking(exchange_record())
    browser.until(lambda: browser.one("#live-show").text == "Show new: 1")
    assert indices(browser)[0] == first[0]
    assert browser.driver.execute_script(place % first[2]) == was
    ActionChains(browser.driver).move_to_element(browser.one("h1")).perform()
    browser.until(lambda: indices(browser)[0] > first[0])
    browser.until(lambda: not browser.one("#live-show").is_displayed())

    browser.driver.execute_script("document.querySelector('#found').scrollTop = 400")
    browser.until(lambda: browser.driver.execute_script("return document.querySelector('#found').scrollTop") == 400)
    newest = max(indices(browser))
    ledger.append_blocking(exchange_record())
    browser.until(lambda: browser.one("#live-show").text == "Show new: 1")
    assert max(indices(browser)) <= newest
    browser.click("#live-show")
    browser.until(lambda: indices(browser) and max(indices(browser)) > newest)
    assert browser.driver.execute_script("return document.querySelector('#found').scrollTop") == 0
    assert browser.said() == []


def test_a_burst_longer_than_a_page_leaves_no_gap(browser: Browser) -> None:
    browser.open("/transfers?kind=transfer")
    browser.until(lambda: browser.one("#live").get_attribute("data-state") == "on")

    async def burst() -> None:
        await asyncio.gather(*(browser.console.ledger.append(exchange_record()) for _ in range(300)))

    browser.point_away()
    before = max(indices(browser))
    asyncio.run(burst())
    newest = max(index for index, one in enumerate(browser.console.entries()) if one["kind"] == "transfer")
    browser.until(lambda: newest in indices(browser))
    assert newest > before
    seen = to_the_end(browser)
    assert seen == {index for index, one in enumerate(browser.console.entries()) if one["kind"] == "transfer"}


def test_a_persons_transfers_are_scrolled_through_too(browser: Browser) -> None:
    reference = browser.console.ledger.references.subject(ANNA)

    async def many() -> None:
        ledger = browser.console.ledger
        await asyncio.gather(*(ledger.append(exchange_record(subject=reference)) for _ in range(400)))

    asyncio.run(many())
    browser.open("/person")
    browser.write("#subject", ANNA)
    browser.click("main button")
    browser.until(lambda: browser.all("#theirs"))
    assert len(to_the_end(browser, "#theirs")) >= 403
    assert ANNA not in browser.driver.page_source


def test_where_the_server_fails_a_link_leads_on(browser: Browser) -> None:
    browser.open("/transfers?kind=transfer")
    browser.until(lambda: browser.one("#live").get_attribute("data-state") == "on")
    browser.driver.execute_script("window.fetch = () => Promise.reject(new Error('gone'))")
    browser.driver.execute_script("const box = document.querySelector('#found'); box.scrollTop = box.scrollHeight")
    browser.until(lambda: browser.one("a[rel=next]").is_displayed())
    assert "could not be fetched" in browser.one("#found-told").text
    oldest = min(indices(browser))
    browser.driver.get(browser.one("a[rel=next]").get_attribute("href"))
    assert max(indices(browser)) < oldest


@pytest.mark.parametrize("name", ["light", "dark"])
def test_an_open_window_breaks_no_rule_of_wcag(browser: Browser, name: str) -> None:
    scheme(browser, name)
    try:
        browser.open("/transfers")
        browser.until(lambda: browser.all("#found.window .gap"))
        assert violations(browser) == []
    finally:
        scheme(browser, "")
