"""The bucket: as many at once as in a minute, and again with time."""

from proxy.console.limits import KEYS, RateLimit


def test_a_full_bucket_lets_a_minutes_worth_pass_and_then_says_how_long_to_wait() -> None:
    now = [0.0]
    limit = RateLimit(6, lambda: now[0])
    assert [limit.wait_s("a") for _ in range(7)] == [0, 0, 0, 0, 0, 0, 11]
    assert limit.wait_s("b") == 0
    now[0] += 10
    assert limit.wait_s("a") == 0
    assert limit.wait_s("a") > 0


def test_it_remembers_so_many_keys_and_no_more() -> None:
    limit = RateLimit(1, lambda: 0.0)
    for key in range(KEYS + 1):
        assert limit.wait_s(key) == 0
    assert limit.wait_s(KEYS) > 0
    assert limit.wait_s(0) == 0
