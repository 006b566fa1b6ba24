"""Secrets: provider keys by their published prefixes, tokens, private keys, passwords and keys next to their names.

A leaked key is worse than a placeholder too many, but an identifier, a hash or a variable is no key: what follows a
key word must look drawn at random.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from redaction.finding import Finding
from redaction.recognizers.base import Page, Pattern, Recognizer
from redaction.segment import SegmentKind

# Prefixes as the providers document them for secret scanning.
_PROVIDER_KEY: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"sk-(?:proj|svcacct|admin|None|or-v1|ant|lf)-[A-Za-z0-9_-]{16,220}|sk-[A-Za-z0-9]{20,64}|sk_(?:live|test)_[A-Za-z0-9]{10,120}"
    r"|(?:rk|pk)_(?:live|test)_[A-Za-z0-9]{10,120}|whsec_[A-Za-z0-9+/=]{16,80}|AIza[0-9A-Za-z_-]{30,45}|GOCSPX-[A-Za-z0-9_-]{20,40}"
    r"|ya29\.[A-Za-z0-9_-]{20,240}|(?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA)[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{30,255}"
    r"|github_pat_[A-Za-z0-9_]{30,255}|glpat-[A-Za-z0-9_.-]{18,64}|gl(?:dt|rt|ptt|cbt|soat)-[A-Za-z0-9_-]{18,64}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,250}|xapp-[0-9]-[A-Za-z0-9-]{20,150}|SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{30,64}"
    r"|hf_[A-Za-z0-9]{24,64}|gsk_[A-Za-z0-9]{30,80}|r8_[A-Za-z0-9]{30,60}|xai-[A-Za-z0-9]{40,120}|pplx-[A-Za-z0-9]{30,80}"
    r"|nvapi-[A-Za-z0-9_-]{30,100}|pypi-[A-Za-z0-9_-]{50,250}|npm_[A-Za-z0-9]{30,60}|dop_v1_[a-f0-9]{40,80}|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"
    r"|key-[0-9a-f]{32}|SK[0-9a-f]{32}|AC[0-9a-f]{32}|LLM\|[0-9]{6,24}\|[A-Za-z0-9_-]{16,60}|EAA[A-Za-z0-9]{40,250}|lin_api_[A-Za-z0-9]{30,60}"
    r"|sntry[su]_[A-Za-z0-9+/=_]{30,200}|dckr_pat_[A-Za-z0-9_-]{20,60}|hvs\.[A-Za-z0-9_-]{20,150}|tskey-[a-z]{3,8}-[A-Za-z0-9-]{16,80}"
    r"|(?:secret|ntn)_[A-Za-z0-9]{40,50}|AGE-SECRET-KEY-1[A-Z0-9]{40,70}|ops_[A-Za-z0-9_-]{80,400}|figd_[A-Za-z0-9_-]{30,60}"
    r"|[0-9]{8,10}:AA[A-Za-z0-9_-]{32,36}|v1\.0-[a-f0-9]{20,40}-[a-f0-9]{100,200}"
    r"|cohere-[A-Za-z0-9]{30,60}|tgp_v1_[A-Za-z0-9_-]{30,60}|fw_[A-Za-z0-9]{20,40}|vcp_[A-Za-z0-9]{20,60}|sbp_[a-f0-9]{40}|drgn_[A-Za-z0-9_-]{20,80}"
    r")(?![A-Za-z0-9_])"
)
# AWS gives an access key out in two parts; the second has no prefix, and mostly stands beside the first.
_AWS_SECRET: Final = re.compile(r"(?<![A-Za-z0-9/+=_-])(?P<value>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=_-])")
_AWS_ID: Final = re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[0-9A-Z]{16}(?![A-Za-z0-9])")
_AWS_NEAR: Final = 400
_BOT_TOKEN: Final = re.compile(
    r"(?<![A-Za-z0-9])[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}(?![A-Za-z0-9_])"
)
_JWT: Final = re.compile(
    r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{8,8000}(?:\.[A-Za-z0-9_-]{0,2000}){0,3}"
)
_KEY_BLOCK: Final = re.compile(
    r"-----BEGIN (?P<kind>[A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?)-----(?:(?!-----BEGIN)[A-Za-z0-9+/=\s\\:,.()-]){16,9000}?-----END (?P=kind)-----"
)
_KEY_BLOCK_OPEN: Final = re.compile(r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----[A-Za-z0-9+/=\s\\]{16,9000}")
_PUTTY: Final = re.compile(r"PuTTY-User-Key-File-[23]:[\x20-\x7e\r\n]{40,9000}Private-MAC: [0-9a-f]{40,64}")
_WEBHOOK: Final = re.compile(
    r"https://(?:hooks\.slack\.com/services/[A-Z0-9]{8,14}/[A-Z0-9]{8,14}/[A-Za-z0-9]{16,40}|discord(?:app)?\.com/api/webhooks/[0-9]{15,21}/[A-Za-z0-9_-]{50,90}"
    r"|[a-z0-9-]{1,40}\.webhook\.office\.com/webhookb2/[A-Za-z0-9@/-]{40,250}|[0-9a-f]{32}@[a-z0-9.]{3,60}\.sentry\.io/[0-9]{1,12})"
)
_BEARER: Final = re.compile(
    r"(?i)(?<![\w-])(?:bearer|basic|token)\s{1,3}(?P<value>[A-Za-z0-9_\-.~+/]{16,4000}={0,2})(?![\w])"
)
_SIGNED: Final = re.compile(
    r"(?i)[?&](?:sig|signature|x-amz-signature|x-amz-security-token|x-goog-signature|access_token|token|api_?key|auth|apikey|key|secret|code|session)"
    r"=(?P<value>[A-Za-z0-9_\-.~%+/]{12,2000}={0,2})"
)
_NAMED: Final = re.compile(
    r"(?i)(?:(?:api[ _-]?key|api[ _-]?token|apikey|secret[ _-]?key|secret|access[ _-]?key(?:[ _-]?id)?|access[ _-]?token"
    r"|auth[ _-]?token|refresh[ _-]?token|client[ _-]?secret|private[ _-]?key|account[ _-]?key|encryption[ _-]?key|signing[ _-]?key|session[ _-]?token"
    r"|bot[ _-]?token|webhook[ _-]?secret|deploy[ _-]?key|license[ _-]?key|token|schlüssel|api-schlüssel|khóa api|mã bí mật))"
    r"[\"'`]?\s{0,3}(?::=|=>|[:=]|is|ist|lautet|là|la)\s{0,3}[\"'`]?(?P<value>[A-Za-z0-9_\-+/.~=!@#$%^&*]{12,500})"
)
_SETCOOKIE: Final = re.compile(
    r"(?i)(?<![\w-])(?:set-)?cookie:\s?(?P<value>[!#$%&'*+.^_`|~0-9A-Za-z-]{1,80}=[^\r\n;]{8,3000}(?:; ?[!#$%&'*+.^_`|~0-9A-Za-z-]{1,80}=[^\r\n;]{1,3000}){0,30})"
)
_PASSWORD: Final = re.compile(
    r"(?i)(?P<name>(?:passwor[dt]|passwd|passphrase|pwd|kennwort|passwörter|zugangscode|mật khẩu|mat khau|mật mã|mk|pw|pass(?=\s?[:=]|\s(?:wifi|wi-fi|wlan|mail|email|gmail|fb|zalo)\b)|pin|wlan[- ]?(?:key|schlüssel)|wifi[- ]?(?:key|password)))"
    r"(?P<between>[\"'`]?(?:\s(?:for|für|von|of|của|cua|zum|vom|to)(?:\s[^\s:=]{1,24}){1,4}|(?:\s(?:wifi|wlan|wi-fi|mail|email|gmail|facebook|fb|zalo|app|tài khoản|máy|mới|cũ|neu|neues|new|old|root|admin)){1,2}(?:\s\w{2,10}(?=\s?[:=]))?|(?:\s\w{2,15}){1,2}(?=\s?[:=]|\s(?:là|la)\s))?\s{0,3}(?:[:=]{1,2}>?|→|is|ist|lautet|war|was|là|la)\s{0,3})"
    r"(?P<quote>[\"'`„“]?)(?P<value>[^\s\"'`„“”<>,;]{4,128})"
)
_LABELLED_LINE: Final = re.compile(
    r"(?i)(?<![^\W_])(?:user(?:name)?|login|benutzer)\s?/\s?(?:pass(?:word|wort)?|pw)\s?[:=]\s?\S{2,40}\s?/\s?(?P<value>\S{4,60})"
)
# Without a sign between: only what nobody would write as a word.
_PASSWORD_BARE: Final = re.compile(
    r"(?i)(?<![^\W_])(?:passwor[dt]|passwd|pwd|kennwort|mật khẩu|mat khau|mật mã|mk|pw|pass)"
    r"(?:\s(?:mail|email|gmail|wifi|wlan|fb|zalo|của|cua|em|tôi|mình|anh|chị|nhà|mới|moi|cũ|cu|máy|neu|new|mein|my)){0,4}\s"
    r"(?P<value>(?=[^\s]{0,40}[0-9])(?=[^\s]{0,40}[a-z])[^\s\"'`„“”<>,;:=()]{6,64})"
)
# In quotes it may have spaces.
_PASSWORD_QUOTED: Final = re.compile(
    r"(?i)(?<![^\W_])(?:passwor[dt]|passphrase|kennwort|mật khẩu|mat khau)\s{0,2}(?:[:=]|is|ist|lautet|là|la)\s{0,2}"
    r"[\"„“'](?P<value>[^\"„“”'\n]{4,60})[\"“”']"
)
_CODE: Final = re.compile(
    r"(?i)(?<![^\W_])(?:(?:mã|ma) (?:pin|otp|xác nhận|xac nhan|bảo mật)|(?:otp|pin)(?:[- ]?code)?|(?:tan|einmal)-?code|one[- ]time (?:code|password)|verification code|bestätigungscode)"
    r"(?:\s(?:vừa gửi|vua gui|mới gửi|moi gui|thẻ|the|sim|atm|của (?:em|tôi|mình|anh|chị)|mới|moi)){0,2}(?:\s(?:is|ist|lautet|là|la))?\s?:?\s(?P<value>[0-9]{4,8})(?![\w.,-]?[0-9])"
)
_NETWORK_KEY: Final = re.compile(
    r"(?i)(?<![^\W_])(?:wlan|wi-?fi|netzwerk|network)[- ]?(?:schlüssel|key|passwort|password|code)\s?(?:[:=]|is|ist|lautet)?\s?(?P<value>[0-9]{4}(?:[ -]?[0-9]{4}){1,4})(?![\w-])"
)
_PLACEHOLDER: Final = re.compile(
    r"(?i)^(?:[x*•.…#_-]{3,}|your[_-].*|my[_-].*|the[_-].*|<.*|\$.*|\{.*|%[sd({].*|\[.*|\(.*|none|null|nil|true|false|undefined|string|str|required|optional"
    r"|example.*|changeit|todo|env|secret|password|passwort|redacted.*|placeholder|.*(?:getenv|environ|process\.env|config|settings|secrets?\.|vault|self\.|os\.|args\.|params|request\.|input|hash|user\.|field|value|var\.).*|not|eine?|der|die|das|the|a|an|wrong|correct|incorrect|falsch|richtig|abgelaufen|expired|weg|sai|đúng|gì|gi|zu|so|too|very|sehr|nicht|leer|empty|forgotten|vergessen|kein|safe|strong|weak|sicher|unsicher)[.!?]?$"
)
# `Password v2.1`, `Passwort-Manager2024`, `mk-2-test`: what is called after a password.
_VERSION: Final = re.compile(r"(?i)\A(?:v?[0-9.]+|[a-z]+[-_/][\w/-]*|[0-9]+[a-z]{1,3}|[a-z]+[0-9]{1,2})\Z")
_HINT_PASSWORD: Final = re.compile(
    r"(?:^|[^a-z])(?:password|passwd|passwort|pwd|passphrase|kennwort|mật khẩu|mat_khau)$"
)
_HINT_KEY: Final = re.compile(
    r"(?:api[_-]?key|secret|access[_-]?key|client[_-]?secret|private[_-]?key|auth[_-]?token|access[_-]?token|refresh[_-]?token|bearer)$"
)


def entropy(value: str) -> float:
    """Bits per character of a value, from its own frequencies."""
    size = len(value)
    return -sum(count / size * math.log2(count / size) for count in Counter(value).values())


def _is_random(value: str) -> bool:
    kinds = sum((any(c.islower() for c in value), any(c.isupper() for c in value), any(c.isdigit() for c in value)))
    return kinds >= 2 and entropy(value) >= 3.0 and any(c.isdigit() for c in value)


def _named(value: str, page: Page, start: int, end: int) -> float | None:
    bare = value.rstrip(".!*")
    if _PLACEHOLDER.match(bare) or page.text[end : end + 1] == "(" or not _is_random(bare):
        return None
    return 0.85


def _aws_secret(value: str, page: Page, start: int, end: int) -> float | None:
    kinds = any(c.islower() for c in value) and any(c.isupper() for c in value) and any(c.isdigit() for c in value)
    near = _AWS_ID.search(page.text, max(0, start - _AWS_NEAR), end + _AWS_NEAR)
    return 0.95 if kinds and entropy(value) >= 4.0 and near is not None else None


def _signed(value: str, page: Page, start: int, end: int) -> float | None:
    return 0.85 if len(value) >= 12 and _is_random(value) else None


def _bearer(value: str, page: Page, start: int, end: int) -> float | None:
    return 0.9 if _is_random(value) and not _PLACEHOLDER.match(value) else None


class Passwords:
    """Values that follow a word for password and are no ordinary word, or stand in quotes, or under a key so called."""

    name = "password"
    entity_types = ("PASSWORD",)
    expressions = (_PASSWORD, _LABELLED_LINE, _PASSWORD_BARE, _PASSWORD_QUOTED, _CODE, _NETWORK_KEY)
    needed = None

    def find(self, page: Page) -> Iterator[Finding]:
        for expression in (_PASSWORD, _LABELLED_LINE):
            for match in page.matches(expression):
                start, end = match.span("value")
                while end > start and page.text[end - 1] in ".)]}!?:" and end - start > 4:
                    # A sentence's end is not the password's, unless more of its kind precedes it.
                    if page.text[end - 1] in "!?" and any(c.isdigit() for c in page.text[start:end]):
                        break
                    end -= 1
                if _is_password(page, match, page.text[start:end], end):
                    yield Finding(start, end, "PASSWORD", 0.85, self.name)
        yield from self._bare(page)
        text = page.text.strip()
        named = page.hint and _HINT_PASSWORD.search(page.hint) and page.kind is not SegmentKind.TOOL_DEFINITION
        if named and 3 < len(text) <= 128 and not _PLACEHOLDER.match(text):
            start = page.text.index(text)
            yield Finding(start, start + len(text), "PASSWORD", 0.9, self.name)

    def _bare(self, page: Page) -> Iterator[Finding]:
        for match in page.matches(_PASSWORD_BARE):
            value = match["value"].rstrip(".?")
            if (
                (not value.isalnum() or not value.islower())
                and not _PLACEHOLDER.match(value)
                and not _VERSION.match(value)
            ):
                start = match.start("value")
                yield Finding(start, start + len(value), "PASSWORD", 0.75, self.name)
        for match in page.matches(_PASSWORD_QUOTED):
            if not _PLACEHOLDER.match(match["value"]):
                yield Finding(*match.span("value"), "PASSWORD", 0.88, self.name)
        if page.has_digit:
            for expression in (_CODE, _NETWORK_KEY):
                for match in page.matches(expression):
                    yield Finding(*match.span("value"), "PASSWORD", 0.85, self.name)


def _is_password(page: Page, match: re.Match[str], value: str, end: int) -> bool:
    if _PLACEHOLDER.match(value) or page.text[end : end + 1] == "(":
        return False
    name = match.groupdict().get("name", "") or ""
    if name.lower().endswith(("pin", "mk")):
        return value.isdigit() if name.lower().endswith("pin") else any(c.isdigit() for c in value)
    if any(not c.isalpha() for c in value.strip("-.")):
        return any(c.isdigit() or c in "!@#$%^&*+=?_" for c in value)
    assigned = any(sign in (match.groupdict().get("between") or ":") for sign in ":=")
    return bool(match.groupdict().get("quote")) or (
        assigned and (not value.islower() or page.kind is not SegmentKind.UNKNOWN)
    )


class HintedKeys:
    """A whole value under a key that names a secret."""

    name = "secret_field"
    entity_types = ("API_KEY",)
    expressions = ()
    needed = None

    def find(self, page: Page) -> Iterator[Finding]:
        if not page.hint or not _HINT_KEY.search(page.hint) or page.kind is SegmentKind.TOOL_DEFINITION:
            return
        text = page.text.strip()
        if (
            8 <= len(text) <= 4096
            and not any(c.isspace() for c in text)
            and not _PLACEHOLDER.match(text)
            and _is_random(text)
        ):
            start = page.text.index(text)
            yield Finding(start, start + len(text), "API_KEY", 0.9, self.name)


RECOGNIZERS: tuple[Recognizer, ...] = (
    Pattern("provider_key", "API_KEY", _PROVIDER_KEY, 1.0, skip_opaque=False),
    Pattern("provider_key", "API_KEY", _BOT_TOKEN, 1.0, skip_opaque=False, least=58, solid=(".",)),
    Pattern(
        "aws_secret",
        "API_KEY",
        _AWS_SECRET,
        check=_aws_secret,
        group="value",
        trigger=("akia", "asia"),
        skip_opaque=False,
        least=40,
        solid=(),
    ),
    Pattern("jwt", "JWT", _JWT, 1.0, trigger=("eyj",), skip_opaque=False),
    Pattern("private_key", "PRIVATE_KEY", _KEY_BLOCK, 1.0, trigger=("private key",), skip_opaque=False),
    Pattern("private_key_cut", "PRIVATE_KEY", _KEY_BLOCK_OPEN, 0.9, trigger=("private key",), skip_opaque=False),
    Pattern("putty_key", "PRIVATE_KEY", _PUTTY, 1.0, trigger=("putty",), skip_opaque=False),
    Pattern("webhook", "API_KEY", _WEBHOOK, 1.0, trigger=("https://",), skip_opaque=False),
    Pattern(
        "bearer",
        "API_KEY",
        _BEARER,
        check=_bearer,
        group="value",
        trigger=("bearer", "basic", "token"),
        skip_opaque=False,
    ),
    Pattern("signed_url", "API_KEY", _SIGNED, check=_signed, group="value", trigger=("=",), skip_opaque=False),
    Pattern(
        "named_key",
        "API_KEY",
        _NAMED,
        check=_named,
        group="value",
        skip_opaque=False,
        trigger=("key", "token", "secret", "schlüssel", "khóa", "bí mật"),
    ),
    Pattern("cookie", "COOKIE", _SETCOOKIE, 0.8, group="value", trigger=("cookie:",), skip_opaque=False),
    Passwords(),
    HintedKeys(),
)
