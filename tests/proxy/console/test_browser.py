"""The pages in a real Chromium: an officer's tasks from sign-in to proof, and what only a browser can tell."""

import threading

import pytest

from audit.record import OutcomeRecord
from proxy.console.language import LANGUAGES
from tests.audit.conftest import exchange_record
from tests.proxy.console.browsing import Browser, browser, chromium, needs_chromium
from tests.proxy.console.conftest import ANNA

__all__ = ["browser", "chromium"]
pytestmark = needs_chromium


def test_who_got_a_persons_data_takes_two_clicks(browser: Browser) -> None:
    browser.click('a[href="/person"]')
    browser.write("#subject", ANNA)
    browser.click("main button")
    assert browser.one(".answer").text == "Transfers that refer to this person: 3."
    assert "OpenAI Ireland Ltd" in browser.text
    assert ANNA not in browser.driver.page_source
    assert ANNA not in browser.driver.current_url


def test_a_proof_is_checked_by_the_browser_in_three_clicks(browser: Browser) -> None:
    browser.click('a[href="/transfers"]')
    browser.click(".rows tbody a")
    assert browser.verdict().startswith("Holds")
    assert "leads to the signed root" in browser.text


def test_every_transfer_of_the_log_is_proved(browser: Browser) -> None:
    browser.open("/transfers")
    for link in [one.get_attribute("href") for one in browser.all(".rows tbody a")]:
        browser.driver.get(link)
        assert browser.verdict().startswith("Holds"), link


def test_under_traffic_pages_answer_and_proofs_hold(browser: Browser) -> None:
    ended = threading.Event()

    def traffic() -> None:
        while not ended.is_set():
            browser.console.ledger.append_blocking(exchange_record())

    sending = threading.Thread(target=traffic)
    before = len(browser.console.entries("transfer"))
    sending.start()
    try:
        for _ in range(4):
            browser.open("/transfers")
            # Its table moves too fast for a click that has to find its row first.
            browser.driver.get(browser.until(lambda: browser.one(".rows tbody a").get_attribute("href")))
            assert browser.verdict().startswith("Holds")
            browser.open("/")
            assert int(browser.one(".figures b").text.replace(",", "")) >= before
    finally:
        ended.set()
        sending.join()
    assert len(browser.console.entries("transfer")) > before + 4


def rows(browser: Browser) -> list[str]:
    return [str(one.get_attribute("data-index")) for one in browser.all("#found tbody tr")]


def test_new_transfers_appear_by_themselves_until_somebody_pauses(browser: Browser) -> None:
    ledger = browser.console.ledger
    browser.click('a[href="/transfers"]')
    browser.driver.execute_script("window.stays = true")
    first = rows(browser)
    browser.until(lambda: browser.one("#live").get_attribute("data-state") == "on")
    made = exchange_record()
    ledger.append_blocking(made)
    browser.until(lambda: len(rows(browser)) == len(first) + 1)
    assert rows(browser)[1:] == first, "the newest stands above, the others where they were"
    browser.until(lambda: browser.one("#live-said").text == "New transfers: 1")
    link = browser.one("#found tbody a")
    link.send_keys("")
    ledger.append_blocking(OutcomeRecord(id=made.id, attempt=1, at=made.at + 9, state="complete", restored=0))
    browser.until(lambda: browser.one("#found tbody .state").text == "complete")
    assert browser.driver.switch_to.active_element == link, "whoever stands on a row stays there"
    browser.click("#live-pause")
    assert browser.one("#live-said").text.startswith("Paused.")
    assert browser.one("#live-pause").text == "Go on"
    ledger.append_blocking(exchange_record())
    browser.click("#live-pause")
    browser.until(lambda: len(rows(browser)) == len(first) + 2)
    assert browser.driver.execute_script("return window.stays"), "the page was never loaded again"
    assert browser.said() == []


def test_whoever_wants_less_motion_gets_none(browser: Browser) -> None:
    features = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.open("/transfers")
    browser.console.ledger.append_blocking(exchange_record())
    browser.until(lambda: browser.all(".fresh"))
    assert browser.driver.execute_script("return document.getAnimations().length") == 0
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


TAMPER = """
const real = window.fetch;
window.fetch = async (...given) => {
  const data = await (await real(...given)).json();
  ((data) => { %s })(data);
  return new Response(JSON.stringify(data), {status: 200});
};
"""


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ('data.entries[0].entry = data.entries[0].entry.replace("messenger", "messengex")', "does not lead"),
        ("data.entries[0].proof = data.entries[0].proof.replace(/index \\d+/, 'index 3')", "does not lead"),
        ("data.entries[0].index += 1", "does not lead"),
        ("const l = data.entries[0].proof.split('\\n'); l.splice(2, 1); data.entries[0].proof = l.join('\\n')",
         "does not lead"),
        ("data.entries[0].proof = data.entries[0].proof.replace(/\\n\\n([^\\n]+)\\n(\\d+)\\n/, '\\n\\n$1\\n9$2\\n')",
         "not signed by this key"),
        ("data.entries[0].proof = data.entries[0].proof.replace(/— (\\S+) (.{12})/, '— $1 AAAAAAAAAAAA')",
         "not signed by this key"),
    ],
)  # fmt: skip
def test_what_was_tampered_with_does_not_hold(browser: Browser, change: str, verdict: str) -> None:
    browser.open("/transfers?application=messenger")
    browser.click(".rows tbody a")
    browser.driver.execute_script(TAMPER % change)
    said = browser.verdict()
    assert said.startswith("Does not hold")
    assert verdict in said


def test_another_key_than_the_logs_own_does_not_hold(browser: Browser) -> None:
    from audit.signing import KeyFile

    browser.open("/transfers")
    browser.click(".rows tbody a")
    other = KeyFile.create(browser.console.home / "other.key", browser.console.ledger.home.read_vkey().name).verifier
    for key, verdict in ((str(other), "not signed by this key"), ("nonsense", "not a verifier key")):
        browser.write("#vkey", key)
        assert verdict in browser.verdict()


def test_a_provider_is_stopped_in_two_clicks(browser: Browser) -> None:
    browser.click('a[href="/stop"]')
    browser.click('button[aria-label="Stop: openai"]')
    assert browser.one(".good").text == "openai is stopped."
    assert browser.console.control.stops()["destination"] == {"openai"}


def test_signing_out_and_going_back_shows_nothing(browser: Browser) -> None:
    browser.open("/transfers")
    browser.click("header form button")
    browser.one("#token")
    browser.open("/transfers")
    assert browser.all("#token")


def test_the_keyboard_alone_is_enough(browser: Browser) -> None:
    from selenium.webdriver.common.keys import Keys

    browser.open("/")
    body = browser.one("body")
    body.send_keys(Keys.TAB)
    focused = browser.driver.switch_to.active_element
    assert focused.get_attribute("class") == "skip"
    focused.send_keys(Keys.ENTER)
    browser.until(lambda: browser.driver.current_url.endswith("#content"))


PAGES = (
    "/", "/changes", "/who", "/transfers", "/transfers?application=feed", "/person", "/person/erase", "/policy", "/try",
    "/compare", "/incident", "/incident?since=24h", "/stop", "/approvals", "/reveals", "/reports", "/tokens", "/health",
)  # fmt: skip


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_page_is_wider_than_its_window_or_breaks_its_own_policy(browser: Browser, code: str) -> None:
    first = browser.console.entries("transfer")[0]["id"]
    browser.open(f"/language/{code}?to=/")
    for width in (360, 1200):
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        for path in (*PAGES, f"/transfers/{first}"):
            browser.open(path)
            over = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert browser.driver.execute_script(over) <= 0, (path, width)
    browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert browser.said() == []
    for path in PAGES:
        browser.open(path)
        browser.picture(f"{code}-{path.strip('/') or 'overview'}")


def test_no_request_goes_to_anybody_else(browser: Browser) -> None:
    import json

    browser.driver.get_log("performance")
    first = browser.console.entries("transfer")[0]["id"]
    for path in (*PAGES, f"/transfers/{first}"):
        browser.open(path)
    messages = [json.loads(one["message"])["message"] for one in browser.driver.get_log("performance")]
    asked = [one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"]
    assert len(asked) > len(PAGES)
    assert [url for url in asked if not url.startswith((browser.console.url, "data:"))] == []


def test_on_a_telephone_the_pages_stand_behind_a_button_and_a_transfer_in_its_width(browser: Browser) -> None:
    size = {"width": 360, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        browser.open("/transfers")
        current = browser.one('nav a[aria-current="page"]')
        assert not current.is_displayed()
        wider = "const box = document.querySelector('#found'); return box.scrollWidth - box.clientWidth"
        assert browser.driver.execute_script(wider) <= 0
        assert "gpt-5" not in browser.one("#found").text
        assert "messenger" in browser.one("#found").text
        browser.click(".menu")
        browser.until(current.is_displayed)
        assert current.text == "Transfers"
        browser.click('nav a[href="/stop"]')
        browser.one(".stops")
    finally:
        browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


CONTRAST = """
const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
const light = (c) => c.slice(0, 3).map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
function behind(element) {
  for (let at = element; at; at = at.parentElement) {
    const found = rgb(getComputedStyle(at).backgroundColor);
    if (found.length < 4 || found[3] > 0) return found;
  }
  return [255, 255, 255];
}
const bad = [];
for (const element of document.querySelectorAll("main *, header *")) {
  const own = Array.from(element.childNodes).some((node) => node.nodeType === 3 && node.data.trim());
  if (!own || element.closest("svg") || !element.getClientRects().length) continue;
  const style = getComputedStyle(element);
  const [a, b] = [light(rgb(style.color)), light(behind(element))];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
  if (ratio < (large ? 3 : 4.5)) bad.push(element.tagName + "." + element.className + " " + ratio.toFixed(2));
}
return bad;
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_the_contrast_that_wcag_asks_for(browser: Browser, scheme: str) -> None:
    """WCAG 2.2, success criterion 1.4.3."""
    features = [
        {"name": "prefers-color-scheme", "value": scheme},
        {"name": "prefers-reduced-motion", "value": "reduce"},
    ]
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    first = browser.console.entries("blocked")[0]["id"]
    for path in (*PAGES, f"/transfers/{first}"):
        browser.open(path)
        assert browser.driver.execute_script(CONTRAST) == [], path
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
