"""The entity types that detection may report, each in one group: the single authoritative list.

Names are Presidio's where it has one, ours in the same style otherwise. Policies name a group or a type; a type
that a company adds in its policy file is not listed here and belongs to the group that the file says.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "identity": ("PERSON", "USERNAME", "DATE_OF_BIRTH", "AGE", "LICENSE_PLATE"),
    "contact": ("EMAIL_ADDRESS", "PHONE_NUMBER", "STREET_ADDRESS", "POSTAL_CODE", "URL"),
    "location": ("LOCATION", "COORDINATES"),
    "government": (
        "DE_TAX_ID",
        "DE_SOCIAL_SECURITY",
        "DE_ID_CARD",
        "DE_PASSPORT",
        "DE_DRIVER_LICENSE",
        "DE_VAT_ID",
        "AT_SOCIAL_SECURITY",
        "CH_AHV",
        "VN_CCCD",
        "VN_MST",
        "VN_SOCIAL_INSURANCE",
        "VN_PASSPORT",
        "US_SSN",
        "US_ITIN",
        "US_PASSPORT",
        "US_DRIVER_LICENSE",
        "GB_NINO",
        "GB_PASSPORT",
        "EU_NATIONAL_ID",
        "EU_VAT_ID",
        "PASSPORT",
        "NATIONAL_ID",
        "DRIVER_LICENSE",
        "TAX_ID",
    ),
    "financial": ("IBAN_CODE", "CREDIT_CARD", "CREDIT_CARD_SECURITY_CODE", "BANK_ACCOUNT", "BIC_CODE", "CRYPTO"),
    "health": ("HEALTH_INSURANCE_ID", "GB_NHS", "MEDICAL_RECORD", "HEALTH"),
    "special": ("RELIGION", "UNION", "POLITICS", "ORIENTATION", "ETHNICITY"),
    "online": ("IP_ADDRESS", "MAC_ADDRESS", "DEVICE_ID", "COOKIE"),
    "secrets": ("API_KEY", "PASSWORD", "PRIVATE_KEY", "JWT", "CONNECTION_STRING"),
    "organisation": ("ORGANIZATION", "CUSTOMER_ID", "EMPLOYEE_ID"),
}

GROUPS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(_GROUPS)
"""group -> its entity types, in the order in which they are shown."""

ENTITY_GROUP: Final[Mapping[str, str]] = MappingProxyType(
    {entity_type: group for group, entity_types in _GROUPS.items() for entity_type in entity_types}
)
"""entity type -> its group."""

ENTITY_TYPES: Final[frozenset[str]] = frozenset(ENTITY_GROUP)
