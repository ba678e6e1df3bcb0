"""Small submissions as they arrive; they are in no form that could be scored."""

from __future__ import annotations

from leaderboard.store.limits import UploadLimits
from leaderboard.store.paths import Announced
from leaderboard.store.uploads import begin_upload

FILES = {"submission.yaml": b"a: 1\n", "predictions/x/test/seed=0.parquet": b"PAR1" * 9}


def announced(files=FILES, **more):
    """Returns files as they are announced."""
    return [Announced(path, len(content), **more) for path, content in files.items()]


def arrive(store, caller, files=FILES, **more):
    """Returns an upload all bytes of which are here."""
    upload = begin_upload(store, caller, announced(files, **more), UploadLimits(per_day=100, waiting=100))
    for file, content in zip(upload.files, files.values(), strict=True):
        file.place.write_bytes(content)
    return upload
