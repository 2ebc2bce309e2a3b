"""Results as what JSON can hold. Knows nothing about what they say."""

from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any


def as_plain(value: Any) -> Any:
    """A result as dictionaries, lists and words, ready for JSON; enums become their values."""
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value):
        return {field.name: as_plain(getattr(value, field.name)) for field in fields(value)}
    return [as_plain(item) for item in value] if isinstance(value, tuple | list) else value
