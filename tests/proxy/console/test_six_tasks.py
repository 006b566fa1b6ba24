"""What a data protection officer does most, each in at most four clicks from the first page, in a real Chromium.

Approving a policy is tested with the page it happens on.
"""

from audit.ids import now_ms
from proxy.control.approvals import HeldRequest
from tests.proxy.console.browsing import Browser, browser, chromium, needs_chromium
from tests.proxy.console.conftest import ANNA

__all__ = ["browser", "chromium"]
pytestmark = needs_chromium
MOST = 4


class Counted:
    """Counts the clicks at a browser."""

    def __init__(self, at: Browser) -> None:
        self.at, self.clicks = at, 0

    def click(self, selector: str) -> None:
        self.clicks += 1
        self.at.click(selector)


def begin(at: Browser) -> Counted:
    at.open("/")
    return Counted(at)


def test_who_got_this_persons_data(browser: Browser) -> None:
    task = begin(browser)
    task.click('a[href="/person"]')
    browser.write("#subject", ANNA)
    task.click("main button")
    assert browser.one(".answer").text == "Transfers that refer to this person: 3."
    assert "OpenAI Ireland Ltd" in browser.text
    assert task.clicks <= MOST


def test_what_changed_this_week(browser: Browser) -> None:
    task = begin(browser)
    task.click('a[href="/changes"]')
    assert "7 days" in browser.one('.period [aria-current="true"]').text
    assert "gemini" in browser.one("main .card").text
    assert "new" in browser.one("main .card").text
    assert task.clicks <= MOST


def test_why_was_this_replaced(browser: Browser) -> None:
    task = begin(browser)
    task.click(".rows tbody tr:nth-child(3) a")
    rules = browser.console.entries("transfer")[-2]["rules"]
    assert all(rule in browser.text for rule in rules)
    assert "replaced by a placeholder" in browser.text
    assert task.clicks <= MOST


def test_stop_a_provider(browser: Browser) -> None:
    task = begin(browser)
    task.click('a[href="/stop"]')
    task.click('button[aria-label="Stop: openai"]')
    assert browser.one(".good").text == "openai is stopped."
    assert browser.console.control.stops()["destination"] == {"openai"}
    assert task.clicks <= MOST


def test_hand_an_auditor_a_proof(browser: Browser) -> None:
    task = begin(browser)
    task.click(".rows tbody a")
    task.clicks += 1
    assert browser.verdict().startswith("Holds")
    assert browser.console.ledger.home.read_vkey().name in str(browser.one("#vkey").get_attribute("value"))
    assert task.clicks <= MOST


def test_let_a_held_request_pass(browser: Browser) -> None:
    held = HeldRequest(
        browser.console.entries("blocked")[0]["id"], now_ms(), "messenger", "openai", ("wait",), b"f" * 32
    )
    browser.console.control.approvals.ask(held)
    task = begin(browser)
    task.click('a[href="/approvals"]')
    task.click('button[value="grant"]')
    assert "Approved." in browser.one(".good").text
    assert browser.console.control.approvals.granted() == {held.fingerprint: frozenset({"wait"})}
    assert task.clicks <= MOST
