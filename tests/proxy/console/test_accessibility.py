"""Every page under axe-core's rules of WCAG 2.2 AA, in light and dark; and by keyboard from sign-in to proof."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from audit.ids import new_id, now_ms
from proxy.console.language import LANGUAGES
from proxy.control.approvals import HeldRequest
from proxy.control.reveals import RevealKind, Wanted
from proxy.control.tokens import Role
from tests.proxy.console.browsing import Browser, browser, chromium, needs_chromium
from tests.proxy.console.comparing import mirrored
from tests.proxy.console.conftest import ANNA
from tests.proxy.console.test_browser import PAGES

__all__ = ["browser", "chromium"]
pytestmark = needs_chromium
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def furnish(browser: Browser) -> str:
    """Something on every page; returns the id of a transfer."""
    control = browser.console.control
    control.approvals.ask(HeldRequest(new_id(), now_ms(), "messenger", "openai", ("contracts-wait",), b"f" * 32))
    token = control.tokens.create(Role.OFFICER, "Nguyễn Thị Ánh Tuyết", (), 30)[1]
    mirrored(browser.console)
    mine = next(one for one in control.tokens.all() if one.role is Role.OFFICER)
    control.searches.save(mine, "Feed, Bilder übermittelt: Đặng Ánh", {"application": "feed"})
    control.reveals.ask(token, Wanted(RevealKind.ORIGINAL, "[PERSON_4V0M7KQ2]", "access_request", ticket="DSAR-17"))
    return str(browser.console.entries("transfer")[0]["id"])


def consequences(browser: Browser) -> None:
    """The consequences of erasing somebody, on the screen."""
    browser.open("/person/erase")
    browser.write("#subject", ANNA)
    browser.click('button[value="plan"]')
    browser.one("#plan")


def scheme(browser: Browser, name: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": name}, {"name": "prefers-reduced-motion", "value": "reduce"}]
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features if name else []})


def violations(browser: Browser) -> list[tuple[str, list[Any]]]:
    from axe_selenium_python import Axe

    axe = Axe(browser.driver)
    axe.inject()
    found = axe.run(options={"runOnly": {"type": "tag", "values": TAGS}})["violations"]
    return [(one["id"], [node["target"] for node in one["nodes"]]) for one in found]


@pytest.mark.parametrize("name", ["light", "dark"])
def test_no_page_breaks_a_rule_of_wcag(browser: Browser, name: str) -> None:
    first = furnish(browser)
    scheme(browser, name)
    try:
        found = {}
        for path in (*PAGES, f"/transfers/{first}", "/nowhere", "/transfers?since=yesterday"):
            browser.open(path)
            if broken := violations(browser):
                found[path] = broken
        consequences(browser)
        assert violations(browser) == []
        assert found == {}
    finally:
        scheme(browser, "")


def test_the_keyboard_leads_from_the_first_page_to_a_proof(browser: Browser) -> None:
    browser.open("/")
    browser.press('a[href="/transfers"]')
    browser.one(".filters")
    browser.press(".rows tbody a")
    browser.one("#proof")
    browser.press("#check")
    last = browser.until(lambda: browser.all("#steps .good, #steps .bad"))
    assert last[-1].text.startswith("Holds"), browser.one("#steps").text


@pytest.mark.skipif("DRAGOMAN_SCREENSHOTS" not in os.environ, reason="pictures are for people: make screenshots")
@pytest.mark.parametrize("code", LANGUAGES)
def test_pictures_of_every_page(browser: Browser, code: str) -> None:
    """`make screenshots` keeps them."""
    folder = Path(os.environ["DRAGOMAN_SCREENSHOTS"])
    folder.mkdir(parents=True, exist_ok=True)
    first = furnish(browser)
    browser.open(f"/language/{code}?to=/")
    for name, width in (("light", 1200), ("dark", 360)):
        scheme(browser, name)
        for path in (*PAGES, f"/transfers/{first}"):
            size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
            browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            browser.open(path)
            height = browser.driver.execute_script("return document.documentElement.scrollHeight")
            browser.driver.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride", {**size, "height": min(height, 1600 if width > 400 else 2600)}
            )
            page = "transfer" if "transfers/" in path else re.sub(r"\W", "-", path.strip("/")) or "overview"
            browser.driver.save_screenshot(str(folder / f"{page}-{code}-{name}.png"))
            assert (folder / f"{page}-{code}-{name}.png").stat().st_size > 2_000
        consequences(browser)
        browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {**size, "height": 1600})
        browser.driver.save_screenshot(str(folder / f"erase-{code}-{name}.png"))
    browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    scheme(browser, "")
