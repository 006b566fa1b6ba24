"""Which format reads a request: the one the register names for the path, else the first that knows it, else generic.

Also which provider's error shape a refusal takes before anything was read. Pure; formats are shared and immutable.
"""

from collections.abc import Sequence

from proxy.formats import ALL
from proxy.formats.base import Endpoint, Format, RequestHead
from proxy.messages import Egress

GENERIC = "generic"


class Formats:
    """The formats, in order; the generic one last."""

    def __init__(self, formats: Sequence[Format] = ALL) -> None:
        self._by_name = {item.name: item for item in formats}
        self._specific = tuple(item for item in formats if item.name != GENERIC)
        self._generic = self._by_name[GENERIC]
        self._known_by = {word: item for item in formats for word in item.known_by}

    def select(self, head: RequestHead, hint: str) -> tuple[Format, Endpoint]:
        """The format and the operation. hint: the register's format for this path."""
        named = self._by_name.get(hint)
        ordered = (named, *self._specific) if named is not None and hint != GENERIC else self._specific
        for item in ordered:
            endpoint = item.endpoint(head)
            if endpoint is not None:
                return item, endpoint
        endpoint = self._generic.endpoint(head)
        assert endpoint is not None, "the generic format knows every request"
        return self._generic, endpoint

    def shape(self, *hints: str) -> Format:
        """Whose error shape to use, from names that are known so far (destination, host or format hint).

        A format that the register names decides: behind a compatible endpoint there is an SDK of OpenAI. So is it
        where no name says anything.
        """
        for hint in hints[1:]:
            if hint in self._by_name and hint != GENERIC:
                return self._by_name[hint]
        text = " ".join(hints)
        for word, item in self._known_by.items():
            if word in text:
                return item
        return self._by_name.get("openai_chat", self._generic)

    def first_shape(self, egress: Egress) -> Format:
        """The same for a request of which nothing was read yet."""
        return self.shape(egress.destination, egress.origin.host if egress.origin else "")
