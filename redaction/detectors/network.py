"""The network of the name model: hashed word features, a window of four words to each side, one softmax per word.

Small on purpose (4 MB), so that it ships with the package and reads thousands of words in milliseconds on one core.
Its weights are numbers in msgpack: reading them runs no code.
"""

from pathlib import Path
from typing import Any, Final

from redaction.errors import SettingsError

LABELS: Final = ("PERSON", "LOCATION", "ORGANIZATION", "STREET_ADDRESS")
CLASSES: Final = ("O", *(f"{prefix}-{label}" for label in LABELS for prefix in "BI"))
REACH: Final = 4
"""Words to each side that an opinion about a word depends on."""
_WIDTH: Final = 96
_FEATURES: Final = {"NORM": 5000, "PREFIX": 1000, "SUFFIX": 3000, "SHAPE": 1000, "LEMMA": 600}
WEIGHTS: Final = Path(__file__).parents[1] / "models" / "chat.msgpack"


def network() -> Any:
    """The network without weights."""
    from spacy.ml.models.tok2vec import MaxoutWindowEncoder, MultiHashEmbed, build_Tok2Vec_model
    from thinc.api import Softmax, chain, with_array

    embed = MultiHashEmbed(_WIDTH, list(_FEATURES), list(_FEATURES.values()), include_static_vectors=False)
    encode = MaxoutWindowEncoder(width=_WIDTH, window_size=1, maxout_pieces=3, depth=REACH)
    return chain(build_Tok2Vec_model(embed, encode), with_array(Softmax(len(CLASSES), _WIDTH)))


def vocabulary() -> Any:
    """Where spellings, prefixes, suffixes and shapes of words are computed, as every language of spaCy has them."""
    from spacy.lang.xx import MultiLanguage

    return MultiLanguage().vocab


def load(path: Path = WEIGHTS) -> Any:
    """The network with its weights. Raises SettingsError (`no_model`)."""
    from redaction.detectors.tokens import document

    model = network()
    try:
        content = path.read_bytes()
        model.initialize(X=[document(vocabulary(), ["a", "b"], ["|", "|"])])
        model.from_bytes(content)
    except (OSError, ValueError, KeyError):
        raise SettingsError(
            f"the name model {path.name} cannot be read: install dragoman again", code="no_model"
        ) from None
    return model
