"""How much anyone may send."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """Caps on what users send; all but those on requests are looked at before a byte is taken."""

    files: int = 1_000
    """Of one submission."""
    num_bytes: int = 4 << 30
    """Of one submission."""
    open_uploads: int = 3
    """Of one user, at a time."""
    per_day: int = 20
    """Submissions of one user in 24 hours."""
    waiting: int = 10
    """Submissions of one user that are not scored yet."""
    chunk_bytes: int = 16 * MIB
    """Of one request."""
    chunk_seconds: float = 60.0
    """For one request, by the clock: whoever is slower sends smaller pieces."""
    idle_seconds: float = 24 * 3600.0
    """Without a byte, until an open upload is thrown away."""
    spare_bytes: int = 1 << 30
    """Of the disk, which uploads leave free."""
