"""The mixes whose labels submissions are scored against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from molmix_bench.errors import UsageError
from molmix_bench.mix import Mix
from molmix_bench.resolve import load
from molmix_bench.specs.catalog import mix_names


@dataclass(slots=True)
class Mixes:
    """Mixes by name: those that were given, or else any of the catalog, each loaded when it is first asked for."""

    found: dict[str, Mix] = field(default_factory=dict)
    is_closed: bool = False
    """Whether those that were given are all there are."""

    @classmethod
    def given(cls, names: Sequence[str]) -> Mixes:
        """Returns the mixes that `names` stand for, or those of the catalog for no names.

        Raises:
            UsageError: two of them have the same name.
            MolmixError: as `resolve.load`.
        """
        mixes = cls(is_closed=bool(names))
        for name in names:
            mix = load(name)
            if mix.name in mixes.found:
                other = mixes.found[mix.name].path
                raise UsageError("--mix", found=f"two mixes {mix.name}: {other} and {mix.path}", expected="one")
            mixes.found[mix.name] = mix
        return mixes

    @property
    def only(self) -> Mix | None:
        """The mix that every submission means where one was given: the check says what contradicts it."""
        return next(iter(self.found.values())) if self.is_closed and len(self.found) == 1 else None

    def get(self, name: str | None) -> Mix | None:
        """Returns the mix of a name that a stranger wrote, or nothing where there is none."""
        if not self.is_closed and name not in self.found and name in mix_names():
            self.found[str(name)] = load(str(name))
        return self.found.get(name) if name is not None else None

    def known(self) -> str:
        """Returns the names that there are, for a message."""
        return ", ".join(sorted(self.found) if self.is_closed else mix_names())
