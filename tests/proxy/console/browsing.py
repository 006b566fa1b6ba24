"""A real Chromium at a console, for the tests of its pages.

Debian's chromium and chromium-driver are used as they are installed; nothing is fetched. With
DRAGOMAN_SCREENSHOTS=FOLDER every page is kept as a picture.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.proxy.console.conftest import Console, fill

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None, reason="no Chromium: apt-get install chromium chromium-driver"
)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--lang=en",
)  # fmt: skip


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One browser for all tests of this file; each begins with its cookies deleted."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    driver.implicitly_wait(30)  # for what the next page will hold
    driver.set_script_timeout(100)  # axe's rules over a long page
    yield driver
    driver.quit()


class Browser:
    """A browser at one console."""

    def __init__(self, driver: Any, console: Console) -> None:
        self.driver, self.console = driver, console

    def open(self, path: str) -> None:
        self.driver.get(self.console.url + path)

    def sign_in(self) -> None:
        self.open("/sign-in")
        self.write("#token", self.console.token())
        self.click("main button")
        self.one('a[href="/transfers"]')

    def all(self, selector: str) -> list[Any]:
        found: list[Any] = self.driver.find_elements("css selector", selector)
        return found

    def one(self, selector: str) -> Any:
        return self.driver.find_element("css selector", selector)

    def click(self, selector: str) -> None:
        self.one(selector).click()

    def reach(self, selector: str) -> Any:
        """Goes to a control by the Tab key alone, from where the focus is; it has to be seen to be there."""
        from selenium.webdriver.common.keys import Keys

        self.one(selector)
        for _ in range(200):
            self.driver.switch_to.active_element.send_keys(Keys.TAB)
            active = self.driver.switch_to.active_element
            reached, outline = self.driver.execute_script(
                "return [arguments[0].matches(arguments[1]), getComputedStyle(arguments[0]).outlineStyle]",
                active, selector,
            )  # fmt: skip
            if reached:
                assert outline not in {"none", ""}, f"nobody sees that the keyboard is at {selector}"
                return active
        raise AssertionError(f"the keyboard does not reach {selector}")

    def press(self, selector: str) -> None:
        """A control by keyboard alone."""
        from selenium.webdriver.common.keys import Keys

        self.reach(selector).send_keys(Keys.ENTER)

    def point_away(self) -> None:
        """Takes the pointer into a corner: rows wait while it is over their table, also from a page before."""
        from selenium.webdriver.common.action_chains import ActionChains

        actions = ActionChains(self.driver)
        actions.w3c_actions.pointer_action.move_to_location(1, 1)
        actions.perform()

    def write(self, selector: str, text: str) -> None:
        field = self.one(selector)
        field.clear()
        field.send_keys(text)

    def until(self, holds: Callable[[], Any]) -> Any:
        """Waits for what the page's own scripts do, and returns it; a table that moves meanwhile is looked at again."""
        from selenium.common.exceptions import StaleElementReferenceException
        from selenium.webdriver.support.ui import WebDriverWait

        waits = WebDriverWait(self.driver, 100, 0.05, ignored_exceptions=(StaleElementReferenceException,))
        return waits.until(lambda _: holds())

    @property
    def text(self) -> str:
        return str(self.one("body").text)

    def verdict(self) -> str:
        """What the page's own script says about the proof, once it has said it."""
        self.click("#check")
        return str(self.until(lambda: self.all("#steps .good, #steps .bad"))[-1].text)

    def said(self) -> list[str]:
        """Errors and warnings of the browser's console since the last call: a broken policy would stand here."""
        return [one["message"] for one in self.driver.get_log("browser") if one["level"] in {"SEVERE", "WARNING"}]

    def picture(self, name: str) -> None:
        if folder := os.environ.get("DRAGOMAN_SCREENSHOTS"):
            height = self.driver.execute_script("return document.documentElement.scrollHeight")
            self.driver.set_window_size(1200, min(2600, height + 150))
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.driver.save_screenshot(f"{folder}/{name}.png")


@pytest.fixture
def browser(chromium: Any, console: Console) -> Browser:
    """A signed-in officer's browser over a log with `fill`."""
    chromium.execute_cdp_cmd("Network.clearBrowserCookies", {})
    chromium.set_window_size(1200, 900)
    fill(console)
    found = Browser(chromium, console)
    found.sign_in()
    found.point_away()
    found.said()  # what the page of the test before had to say is no concern of this one
    return found
