"""Signing in with a real Chromium: by an identity provider, until nothing happens for a while, never too often."""

from typing import Any

import oidc_provider_mock

from proxy.console.site import SESSION
from tests.proxy.console.browsing import Browser, chromium, needs_chromium
from tests.proxy.console.conftest import Start, fill
from tests.proxy.console.test_oidc import settings

__all__ = ["chromium"]
pytestmark = needs_chromium


def at(chromium: Any, start: Start, **changes: Any) -> Browser:
    """A browser that has not signed in."""
    console = start(**changes)
    fill(console)
    chromium.execute_cdp_cmd("Network.clearBrowserCookies", {})
    chromium.set_window_size(1200, 900)  # wide enough for what stands behind a button on a telephone
    found = Browser(chromium, console)
    found.said()
    return found


def test_an_officer_comes_in_by_the_identity_provider_and_out_again(chromium: Any, start: Start) -> None:
    users = [oidc_provider_mock.User(sub="anna", claims={"roles": ["dpo"]})]
    with oidc_provider_mock.run_server_in_thread(user_claims=users) as server:
        browser = at(chromium, start, oidc=settings(f"http://localhost:{server.server_port}"))
        browser.open("/who?days=30")
        browser.click('a[href^="/sign-in/oidc"]')
        browser.write('input[name="sub"]', "anna")
        browser.click('button[type="submit"], input[type="submit"], form button')
        browser.one('a[href="/transfers"]')
        assert browser.driver.current_url == f"{browser.console.url}/who?days=30"
        assert "anna · Officer" in browser.one(".who").text
        cookie = browser.driver.get_cookie(SESSION)
        assert cookie["httpOnly"]
        assert cookie["sameSite"] == "Strict"
        browser.click("header form button")
        browser.one("#token")
        browser.open("/who")
        assert "/sign-in" in browser.driver.current_url
        # What the provider's own pages had to say does not concern us.
        assert [one for one in browser.said() if browser.console.url in one.partition(" ")[0]] == []


def test_whoever_does_nothing_for_a_while_signs_in_again_and_is_told_why(chromium: Any, start: Start) -> None:
    browser = at(chromium, start, idle_s=0)
    browser.open("/sign-in")
    browser.write("#token", browser.console.token())
    browser.click("main button")
    assert "You were signed out because nothing happened for a while" in browser.one('[role="alert"]').text
    assert browser.driver.get_cookie(SESSION) is None


def test_whoever_tries_too_often_is_told_when_to_come_back(chromium: Any, start: Start, no_time_passes: None) -> None:
    browser = at(chromium, start, sign_ins_per_minute=1)
    for said in ("opens nothing", "Too many attempts. Try again in"):
        browser.open("/sign-in")
        browser.write("#token", "wrong")
        browser.click("main button")
        assert said in browser.one('[role="alert"]').text
    assert browser.driver.get_cookie(SESSION) is None
