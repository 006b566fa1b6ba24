"""What a data protection officer does most, each in at most four clicks from the first page, in a real Chromium, while
transfers go on; each by keyboard alone, where a click is a press on what the Tab key has reached.
"""

import threading
from collections.abc import Iterator

import httpx
import pytest

from audit.ids import now_ms
from proxy.control.approvals import HeldRequest
from proxy.control.policies import ProposalState
from proxy.control.tokens import Role
from tests.audit.conftest import exchange_record
from tests.proxy.console.browsing import Browser, browser, chromium, needs_chromium
from tests.proxy.console.conftest import ANNA, Console, Start
from tests.proxy.console.test_policy_page import STRICTER

__all__ = ["browser", "chromium"]
pytestmark = needs_chromium
MOST = 4


class Counted:
    """Counts the presses at a browser."""

    def __init__(self, at: Browser) -> None:
        self.at, self.clicks = at, 0

    def click(self, selector: str) -> None:
        self.clicks += 1
        self.at.press(selector)

    def write(self, selector: str, text: str) -> None:
        self.at.reach(selector).send_keys(text)


@pytest.fixture
def console(start: Start) -> Console:
    """A console where two have to want another policy."""
    return start(detectors=("patterns",), policy_people=2)


@pytest.fixture(autouse=True)
def traffic(browser: Browser) -> Iterator[None]:
    """Twenty transfers a second, for as long as a task takes; the first page shows a few of them already."""
    ended = threading.Event()

    def one() -> None:
        browser.console.ledger.append_blocking(exchange_record(at=now_ms()))

    def send() -> None:
        while not ended.wait(0.05):
            one()

    for _ in range(3):
        one()
    sending = threading.Thread(target=send)
    before = len(browser.console.entries("transfer"))
    sending.start()
    yield
    ended.set()
    sending.join()
    assert len(browser.console.entries("transfer")) > before


def begin(at: Browser) -> Counted:
    at.open("/")
    return Counted(at)


def test_who_got_this_persons_data(browser: Browser) -> None:
    task = begin(browser)
    task.click('a[href="/person"]')
    task.write("#subject", ANNA)
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
    browser.until(lambda: "/transfers/" in browser.driver.current_url)
    shown = browser.driver.current_url.rpartition("/")[2]
    rules = next(one["rules"] for one in browser.console.entries("transfer", "blocked") if one["id"] == shown)
    assert rules
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


def test_approve_a_policy(browser: Browser) -> None:
    control = browser.console.control
    another = control.tokens.create(Role.OFFICER, "another", (), 1)[0]
    asked = httpx.post(
        f"{browser.console.url}/api/v1/policy/proposals",
        json={"text": STRICTER}, headers={"authorization": f"Bearer {another}"}, trust_env=False, timeout=60,
    )  # fmt: skip
    assert asked.json()["state"] == "waiting"
    task = begin(browser)
    task.click('a[href="/policy"]')
    browser.until(lambda: "lets less through" in browser.text)
    task.click('button[value="agree"]')
    browser.until(lambda: "Agreed." in browser.text)
    (proposal,) = control.policies.all()
    assert (proposal.state, proposal.digest) == (ProposalState.AGREED, asked.json()["digest"])
    assert task.clicks <= MOST


def test_hand_an_auditor_a_proof(browser: Browser) -> None:
    task = begin(browser)
    task.click(".rows tbody a")
    browser.one("#proof")
    task.click("#check")
    said = browser.until(lambda: browser.all("#steps .good, #steps .bad"))[-1].text
    assert said.startswith("Holds"), said
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


def test_what_an_incident_concerns_and_its_report(browser: Browser) -> None:
    task = begin(browser)
    task.click('a[href="/incident"]')
    task.click('a[href="/incident?since=24h"]')
    assert "OpenAI Ireland Ltd" in browser.text
    assert "recipients" in browser.one(".answer").text
    task.click('button[aria-label="Stop: openai"]')
    assert browser.one(".good").text == "openai is stopped."
    assert task.clicks <= MOST


def test_erase_a_person(browser: Browser) -> None:
    task = begin(browser)
    task.click('a[href="/person"]')
    task.click('a[href="/person/erase"]')
    task.write("#subject", ANNA)
    task.click('button[value="plan"]')
    assert "Transfers that concern this person: 3." in browser.one("#plan").text
    task.write("#again", ANNA)
    browser.reach("#sure").send_keys(" ")
    task.click('button[value="erase"]')
    assert browser.one(".good").text.startswith("Erased.")
    assert ANNA not in browser.driver.page_source
    assert [one["phase"] for one in browser.console.entries("erasure")] == ["begun", "done"]
    assert task.clicks <= MOST
