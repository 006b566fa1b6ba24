"""What has a name and is nobody: listed and invented things, and those whom a theorem or a method is named after."""

import random
from typing import Final

from redaction.lexicon import words
from redaction.train.names import Invention, People, capital

_LISTED: Final = 0.5
# Brands are surnames as well.
_COUNTED: Final = 0.12


class Things:
    """Where things and eponyms come from."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._listed = sorted(words("words_things") | words("words_de_things"))
        self._new = Invention(self._listed)

    def thing(self, dice: random.Random) -> str:
        """A plant, a wine, a medicine or a product, with a capital."""
        at = dice.random()
        if at < _COUNTED:
            return capital(dice.choice(self._people.counted))
        return capital(dice.choice(self._listed) if at < _LISTED else self._new.draw(dice))

    def eponym(self, dice: random.Random) -> str:
        """Whom a theorem, a disease or a method is named after."""
        at = dice.random()
        if at < 0.4:
            return capital(self._people.new_sur.draw(dice))
        return capital(dice.choice(self._people.sur if at < 0.7 else self._people.counted))
