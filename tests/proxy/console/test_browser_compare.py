"""Comparing models in a real Chromium: an officer rates a pair without knowing whose answers it holds."""

import os
from pathlib import Path

import pytest

from proxy.console.language import LANGUAGES
from tests.proxy.console.browsing import Browser, browser, chromium, needs_chromium
from tests.proxy.console.comparing import mirrored
from tests.proxy.console.test_accessibility import scheme, violations

__all__ = ["browser", "chromium"]
pytestmark = needs_chromium


def test_an_answer_is_rated_in_three_clicks_and_its_page_breaks_no_rule_of_wcag(browser: Browser) -> None:
    mirrored(browser.console, 2)
    browser.click('a[href="/compare"]')
    browser.click('button[value="show"]')
    assert len(browser.all(".answered")) == 2
    part = browser.one("section.card").text
    assert "own-llama" not in part
    assert "openai" not in part
    broken = {}
    for name in ("light", "dark"):
        scheme(browser, name)
        broken[name] = violations(browser)
    scheme(browser, "")
    assert broken == {"light": [], "dark": []}
    own = "a" if "today" in browser.all(".answered")[0].text else "b"
    browser.click(f'button[value="{own}"]')
    said = browser.one(".good").text
    assert "own-llama" in said
    assert "openai" in said
    assert "between 21 % and 100 %" in browser.text
    size = {"width": 360, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    assert browser.driver.execute_script("return document.documentElement.scrollWidth") <= 360
    browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.skipif("DRAGOMAN_SCREENSHOTS" not in os.environ, reason="pictures are for people: make screenshots")
@pytest.mark.parametrize("code", LANGUAGES)
def test_pictures_of_a_pair(browser: Browser, code: str) -> None:
    folder = Path(os.environ["DRAGOMAN_SCREENSHOTS"])
    folder.mkdir(parents=True, exist_ok=True)
    mirrored(browser.console, 3)
    browser.open(f"/language/{code}?to=/compare")
    browser.click('button[value="show"]')
    browser.click('button[value="a"]')
    for width, height in ((1200, 1900), (360, 3200)):
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.driver.save_screenshot(str(folder / f"pair-{code}-{width}.png"))
    browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
