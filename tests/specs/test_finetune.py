"""Tests of the specs of fine-tunings: settings that change them, and what cannot be done."""

from __future__ import annotations

import pytest

from molmix_bench.errors import UsageError
from molmix_bench.specs.finetune import REFERENCES, FinetuneSpec


def test_methods():
    """The modes come first, as the first of them is compared with all others."""
    spec = FinetuneSpec().changed(["modes=[probe, all]"])
    assert spec.methods == ("probe", "all", *REFERENCES)
    assert FinetuneSpec().modes == ("head_first",)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["seeds=[1, 1]"], "seeds repeat"),
        (["modes=[probe, probe]"], "modes repeat"),
        (["modes=[]", "references=[]"], "there is nothing to do"),
        (["folds.split=column"], "column goes with split 'column'"),
        (["folds.column=part"], "column goes with split 'column'"),
        (["seeds=[]"], "seeds"),
        (["folds.folds=0"], "folds.folds"),
        (["fold.folds=2"], r"did you mean 'folds'"),
        (["modes=[prob]"], "probe"),
    ],
)
def test_settings_that_leave_nothing_to_do(settings, message):
    """Each is a usage error that names the setting."""
    with pytest.raises(UsageError, match=message):
        FinetuneSpec().changed(settings)
