"""The rules of a policy, indexed by everything that comes from a closed set.

A transfer's context and a finding's kind pick a short list of candidate rules, in the policy's order; the lists are
made once and kept. The index changes no answer: without it every rule would be asked in turn, with the same result.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from policies.destination import Destination
from policies.model import MediaPart
from policies.rules import Context, Does, Rule, applies, covers_finding, covers_media, covers_rest

# Keys come from closed sets, so these are reached only by a policy of extraordinary size; the lists are then made
# anew, which costs time and never memory.
_MAX_CONTEXTS = 4096
_MAX_KINDS = 4096


class Candidates:
    """The rules that may apply in one context, by what they look at."""

    __slots__ = ("_kinds", "_rules", "counts", "media", "mirrors", "rest")

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)
        self._kinds: dict[tuple[str, str, str, str], tuple[Rule, ...]] = {}
        self.rest = tuple(rule for rule in self._rules if covers_rest(rule))
        self.mirrors = tuple(rule for rule in self._rules if rule.does is Does.MIRROR)
        self.media = tuple(rule for rule in self._rules if rule.when.media is not None)
        self.counts = tuple(rule for rule in self._rules if rule.adds)

    def for_finding(self, entity_type: str, segment_kind: str, language: str, recognizer: str) -> tuple[Rule, ...]:
        """Rules that look at such findings, in order; score, count and open conditions are not asked yet."""
        key = (entity_type, segment_kind, language, recognizer)
        found = self._kinds.get(key)
        if found is None:
            if len(self._kinds) >= _MAX_KINDS:
                self._kinds.clear()
            found = tuple(rule for rule in self._rules if covers_finding(rule, *key))
            self._kinds[key] = found
        return found

    def for_media(self, part: MediaPart) -> tuple[Rule, ...]:
        """Rules that look at this part, in order."""
        return tuple(rule for rule in self.media if covers_media(rule, part))


class RuleIndex:
    """All rules of a policy and the candidate lists made so far."""

    __slots__ = ("_contexts", "_destination", "endpoints", "mirrors", "models", "rules", "uses_flags")

    def __init__(self, rules: Sequence[Rule], destination: Callable[[str], Destination]) -> None:
        self.rules = tuple(rules)
        self._destination = destination
        self._contexts: dict[Context, Candidates] = {}
        self.mirrors = any(rule.does is Does.MIRROR for rule in self.rules)
        self.uses_flags = any(rule.when.subject for rule in self.rules)
        self.endpoints = _named(rule.when.endpoints for rule in self.rules)
        self.models = _named(rule.when.models for rule in self.rules)

    def candidates(self, context: Context) -> Candidates:
        """The rules that may apply in a context."""
        found = self._contexts.get(context)
        if found is None:
            if len(self._contexts) >= _MAX_CONTEXTS:
                self._contexts.clear()
            destination = self._destination(context.destination)
            found = Candidates([rule for rule in self.rules if applies(rule, context, destination)])
            self._contexts[context] = found
        return found

    def by_id(self) -> Mapping[str, Rule]:
        """Rules by their id."""
        return {rule.id: rule for rule in self.rules}


def _named(sets: Iterable[frozenset[str] | None]) -> frozenset[str]:
    return frozenset(name for one in sets for name in one or ())
