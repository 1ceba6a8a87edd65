"""What the parts of a record share: their types, and access by key as in the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints

from ..contract.checked import Checked, Name

MOST = 100_000

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Word = Annotated[str, StringConstraints(max_length=2000)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=300)]
Labels = Annotated[list[Label], Field(min_length=1, max_length=MOST)]
Seed = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]
# Values on the axes of the task, by name, each in the unit of its axis.
Point = Annotated[dict[Name, float], Field(min_length=1, max_length=20)]
# Ends of the 95 % interval: cluster bootstrap over independent parent samples.
Interval = Annotated[list[float], Field(min_length=2, max_length=2)]
# The value of each test configuration, in the order of `configurations`; null where undefined.
ByConfiguration = Annotated[list[float | None], Field(max_length=MOST)]


class Part(Checked):
    """A part of a JSON file; the line below each field describes it in the published schema."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    def __getitem__(self, key: str) -> Any:
        if key not in self.model_fields_set:
            raise KeyError(key)
        return getattr(self, key)

    def __contains__(self, key: object) -> bool:
        return key in self.model_fields_set

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a key, `default` where the file has none."""
        return self[key] if key in self else default

    def keys(self) -> Iterator[str]:
        """Yield the keys that the file has, in the order of the schema."""
        return (name for name in type(self).model_fields if name in self)

    def items(self) -> Iterator[tuple[str, Any]]:
        """Yield keys and values."""
        return ((key, self[key]) for key in self.keys())

    def __or__(self, changes: dict[str, Any]) -> Any:
        """Return the part with other values, checked."""
        return type(self).model_validate({**self.to_json(), **changes})

    def to_json(self) -> dict[str, Any]:
        """Return plain values, exactly those of the file."""
        return self.model_dump(mode="json", exclude_unset=True)
