"""What has a name and is nobody: listed things, invented ones, and names of people that a law or a plant was given.

The model learns from the words around them that no person is meant, so a thing may look just like a name.
"""

import random
from typing import Final

from redaction.lexicon import words
from redaction.train.names import Invention, People, capital

_LISTED: Final = 0.4
_INVENTED: Final = 0.7
_LIKE_SURNAMES: Final = 0.85


class Things:
    """Where things and eponyms come from."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._listed = sorted(words("words_things") | words("words_de_things"))
        self._new = Invention(self._listed)

    def thing(self, dice: random.Random) -> str:
        """A plant, a wine, a medicine or a product, with a capital."""
        at = dice.random()
        if at < _LISTED:
            return capital(dice.choice(self._listed))
        if at < _INVENTED:
            return capital(self._new.draw(dice))
        if at < _LIKE_SURNAMES:
            return capital(self._people.new_sur.draw(dice))
        return capital(dice.choice((self._people.new_given.draw(dice), dice.choice(self._people.sur))))

    def eponym(self, dice: random.Random) -> str:
        """Whom a theorem, a disease or a method is named after."""
        return capital(self._people.new_sur.draw(dice) if dice.random() < 0.5 else dice.choice(self._people.sur))
