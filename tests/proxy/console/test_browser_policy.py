"""The editor of the policy and the playground in a real Chromium: typing, completing, trying, proposing, agreeing."""

from typing import Any

import pytest

from proxy.control.policies import ProposalState
from proxy.control.tokens import Role
from tests.proxy.console.browsing import Browser, browser, chromium, needs_chromium
from tests.proxy.console.conftest import Console
from tests.proxy.console.test_policy_page import POLICY, STRICTER

__all__ = ["browser", "chromium"]
pytestmark = needs_chromium
MAIL = "anna.probe@example.com"


@pytest.fixture
def console(start) -> Console:
    """A console over a policy file, where two have to want another policy."""
    made = start(detectors=("patterns",), policy_people=2)
    (made.home / "policy.yaml").write_text(POLICY)
    return made


def content(browser: Browser) -> Any:
    """The editor's own text field."""
    browser.one("#draft .editor")
    return browser.driver.execute_script(
        "return document.querySelector('#draft .editor').shadowRoot.querySelector('.cm-content')"
    )


def until(browser: Browser, wanted: str) -> None:
    """Waits for words on the page."""
    browser.until(lambda: wanted in browser.text)


def replace_text(browser: Browser, text: str) -> None:
    """Types a whole text over what the editor holds."""
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    field = content(browser)
    field.click()
    ActionChains(browser.driver).key_down(Keys.CONTROL).send_keys("a").key_up(Keys.CONTROL).perform()
    # As a paste arrives: typing would have the editor indent each line itself.
    browser.driver.execute_script(
        "const data = new DataTransfer(); data.setData('text/plain', arguments[1]);"
        "arguments[0].dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true}))",
        field,
        text,
    )


def test_the_editor_checks_while_somebody_types(browser: Browser) -> None:
    browser.click('a[href="/policy"]')
    replace_text(browser, "version: 1\nname: mine\nrulez: []\n")
    until(browser, "Errors: 2.")
    replace_text(browser, POLICY)
    until(browser, "All cases hold: 1.")
    assert browser.said() == []


def test_the_editor_completes_from_the_schema(browser: Browser) -> None:
    browser.click('a[href="/policy"]')
    replace_text(browser, "version: 1\nrules:\n  - id: one\n    do: to")
    content(browser).send_keys("k")
    labels = "document.querySelector('#draft .editor').shadowRoot.querySelectorAll('.cm-completionLabel')"
    find = f"return Array.from({labels}).find((one) => one.textContent === 'tokenize')"
    # By the mouse: for an instant after the list opens the editor takes Enter for a new line, so that nobody who types
    # on takes a word by accident.
    browser.until(lambda: (found := browser.driver.execute_script(find)) and (found.click() or True))
    browser.until(lambda: browser.one("#text").get_attribute("value").endswith("do: tokenize"))


def test_a_policy_that_is_wrong_says_where(browser: Browser) -> None:
    browser.click('a[href="/policy"]')
    replace_text(browser, "version: 1\nname: mine\nrulez: []\n")
    browser.click('button[value="check"]')
    until(browser, "did you mean 'rules'?")
    assert "Line 3, column 1" in browser.text


def test_one_officer_proposes_and_another_agrees_in_three_clicks(browser: Browser) -> None:
    browser.click('a[href="/policy"]')
    replace_text(browser, STRICTER)
    browser.click('button[value="propose"]')
    until(browser, "waits for a second person")
    browser.click("header form button")
    browser.write("#token", browser.console.control.tokens.create(Role.OFFICER, "another", (), 1)[0])
    browser.click("main button")
    browser.click('a[href="/policy"]')
    until(browser, "lets less through")
    browser.picture("en-policy-waiting")
    browser.click('button[value="agree"]')
    until(browser, "Agreed.")
    assert browser.console.control.policies.all()[0].state is ProposalState.AGREED


def test_a_false_positive_becomes_an_exception_in_three_clicks(browser: Browser) -> None:
    browser.open("/policy?type=EMAIL_ADDRESS&application=messenger")  # where the link in a transfer's story leads
    browser.write("#value", "info@example.com")
    browser.write("#because", "The company's own")
    browser.click('button[value="except"]')
    until(browser, "The draft has an exception from rule mail")
    browser.click('button[value="propose"]')
    until(browser, "waits for a second person")
    assert "info@example.com" not in browser.driver.page_source


@pytest.mark.parametrize("code", ["en", "de", "vi"])
def test_the_playground_shows_what_would_happen(browser: Browser, code: str) -> None:
    browser.open(f"/language/{code}?to=/try")
    browser.write("#text", f"Hallo, schreib an {MAIL} \u202e <script>alert(1)</script>")
    browser.click("main form button")
    assert MAIL in browser.one("mark.transform").text
    assert "[EMAIL_ADDRESS_" in browser.text
    assert browser.said() == []
    browser.picture(f"{code}-try-result")
