"""Tests of differences, slopes and what is said of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from molmix_bench.specs.answer import Verdict
from molmix_bench.studies.effect import Effect
from molmix_bench.studies.judge import Claim, better, difference, judge, slope, spread
from molmix_bench.studies.results import Sample

MINE, OTHER = (0.1, 0.3, 0.2, 0.25), (0.2, 0.45, 0.25, 0.5)


def _sample(values, *, seeds=None, replicates=None, name="a", direction="lower"):
    values = np.array(values, float)
    seeds = tuple(range(len(values))) if seeds is None else seeds
    return Sample(name, seeds, values, replicates, direction, "mae_standardised")


def test_paired_differences_are_students():
    """With the same seeds and nothing resampled, the interval is SciPy's of a paired t-test, better being positive."""
    effect = difference(_sample(MINE), _sample(OTHER))
    found = stats.ttest_rel(OTHER, MINE).confidence_interval(0.95)
    assert effect.value == pytest.approx(0.1375)
    assert effect.interval() == pytest.approx((found.low, found.high))


def test_other_seeds_are_not_paired():
    """With other seeds, the interval is wider than SciPy's of Welch's test, which finds a little too much."""
    effect = difference(_sample(MINE, seeds=(0, 1, 2, 3)), _sample(OTHER, seeds=(4, 5, 6, 7)))
    found = stats.ttest_ind(OTHER, MINE, equal_var=False).confidence_interval(0.95)
    low, high = effect.interval()
    assert 1.0 < (high - low) / (found.high - found.low) < 1.3
    assert low + high == pytest.approx(found.low + found.high)


def test_molecules_add_to_the_error():
    """The variance of paired replicates is added, and replicates that move together cancel."""
    numbers = np.random.default_rng(0).normal(size=1_000)
    alone = difference(_sample(MINE), _sample(OTHER))
    together = difference(_sample(MINE, replicates=numbers), _sample(OTHER, replicates=numbers + 1))
    apart = difference(_sample(MINE, replicates=numbers), _sample(OTHER, replicates=np.zeros(1_000)))
    assert together.error == pytest.approx(alone.error)
    assert apart.error == pytest.approx(np.sqrt(alone.error**2 + numbers.var()))
    assert apart.interval()[1] > alone.interval()[1]


def test_one_seed_establishes_nothing():
    """However large a difference is: nobody knows how another seed would have come out."""
    effect = difference(_sample([0.1], replicates=np.zeros(9)), _sample([9.0], replicates=np.zeros(9)))
    assert effect.interval() is None
    assert effect.p_value() is None
    claim = better("esol", _sample([0.1], name="x"), _sample([9.0], name="y"))
    assert judge([claim]) == (Verdict.OPEN,)
    assert claim.sentence(Verdict.OPEN) == (
        "esol: not established which of x and y is better: mae_standardised of the first better by 8.9, "
        "1 seed, too few for an interval."
    )


def test_intervals_hold_what_they_should():
    """Of many studies with both kinds of chance, about 95 in 100 intervals hold the true difference."""
    numbers = np.random.default_rng(1)
    held = 0
    for _ in range(600):
        of_test_set = numbers.normal(scale=0.3)  # The same for all seeds: what resampling molecules sees.
        mine = _sample(numbers.normal(scale=0.4, size=3), replicates=np.zeros(400))
        values = 1.0 + of_test_set + numbers.normal(scale=0.4, size=3)
        other = _sample(values, replicates=numbers.normal(scale=0.3, size=400))
        low, high = difference(mine, other).interval()
        held += low <= 1.0 <= high
    assert 0.93 <= held / 600 <= 0.99


def test_slopes_are_paired_by_seed():
    """With the same seeds, the interval is SciPy's t-interval of their slopes; of two levels that of a difference."""
    levels = [_sample(values) for values in ((0.9, 1.1, 1.0), (0.7, 0.75, 0.9), (0.2, 0.5, 0.6))]
    design = np.array([[1.0, place] for place in range(3)])
    slopes = [-stats.linregress(range(3), [level.values[seed] for level in levels]).slope for seed in range(3)]
    found = stats.ttest_1samp(slopes, 0).confidence_interval(0.95)
    assert slope(levels, design, (0, 1)).interval() == pytest.approx((found.low, found.high))
    two = slope(levels[:2], design[:2], (0, 1))
    assert two.interval() == pytest.approx(difference(levels[1], levels[0]).interval())


def test_slopes_hold_what_they_should():
    """Of studies whose seeds differ in how steep they are, about 95 in 100 intervals hold the true slope."""
    numbers = np.random.default_rng(2)
    places, held = np.arange(4.0) - 1.5, 0
    design = np.stack([np.ones(4), places], axis=1)
    for _ in range(600):
        steep = 0.5 + numbers.normal(scale=0.3, size=3)
        values = places[:, None] * steep + numbers.normal(scale=0.1, size=(4, 3))
        low, high = slope([_sample(row, direction="higher") for row in values], design, (0, 1)).interval()
        held += low <= 0.5 <= high
    assert 0.93 <= held / 600 <= 0.99


def test_slope_is_least_squares():
    """With other seeds at each level, slope and interval are SciPy's of a regression line, better being positive."""
    found = ((0.9, 1.1), (0.7, 0.75), (0.2, 0.5))
    levels = [_sample(values, seeds=(2 * place, 2 * place + 1)) for place, values in enumerate(found)]
    design = np.array([[1.0, place] for place in range(3)])
    effect = slope(levels, design, (0, 1))
    x = np.repeat(range(3), 2)
    line = stats.linregress(x, np.concatenate([level.values for level in levels]))
    half = stats.t(4).ppf(0.975) * line.stderr
    assert effect.interval() == pytest.approx((-line.slope - half, -line.slope + half))


def test_slopes_that_levels_cannot_tell():
    """With two factors that vary together there is no slope of either."""
    levels = [_sample((1.0, 2.0)), _sample((2.0, 3.0))]
    assert slope(levels, np.array([[1.0, 0.0, 0.0], [1.0, 1.0, 1.0]]), (0, 1, 0)) is None
    assert slope([], np.empty((0, 2)), (0, 1)) is None


def test_sentences_follow_from_verdicts():
    """The better one is named with a positive number, whether established or only suggested; else no one is."""
    claim = better("esol", _sample(OTHER, name="x"), _sample(MINE, name="y"))
    assert judge([claim]) == (Verdict.ESTABLISHED,)
    numbers = "y is better than x: mae_standardised better by 0.1375, 95 % interval 0.001623 to 0.2734, 4 seeds."
    assert claim.sentence(Verdict.ESTABLISHED) == f"esol: {numbers}"
    assert claim.sentence(Verdict.SUGGESTED) == f"esol: suggested, not established, that {numbers}"
    record = claim.to_record(Verdict.SUGGESTED)
    assert record.verdict == "suggested"
    assert record.low < record.high < 0
    assert 0.04 < record.p_value < 0.05
    other = better("esol", _sample(MINE, name="x"), _sample((0.2, 0.1, 0.3, 0.3), name="y"))
    assert judge([other]) == (Verdict.OPEN,)
    assert other.sentence(Verdict.OPEN).startswith("esol: not established which of x and y is better: ")
    assert better("esol", None, _sample(MINE)) is None


def test_claims_are_judged_together():
    """Each step of Holm's rule allows more than the one before, and none holds after the first that does not."""

    def _verdicts(*chances):
        effects = [Effect(-float(stats.norm.ppf(chance / 2)), 1.0, 5, of_molecules=1.0) for chance in chances]
        return [str(verdict) for verdict in judge([Claim("a", "whether", "", "", ("", ""), item) for item in effects])]

    assert _verdicts(0.04) == ["established"]
    assert _verdicts(0.04, 0.01) == ["established", "established"]
    assert _verdicts(0.04, 0.03) == ["suggested", "suggested"]
    assert _verdicts(0.02, 0.012, 0.6, 0.03) == ["suggested", "established", "open", "suggested"]
    one = Claim("a", "whether", "", "", ("", ""), Effect(3.0, None, 1))
    assert judge([one]) == (Verdict.OPEN,)


def test_higher_can_be_better():
    """Where higher is better, a higher mean is a positive difference."""
    assert difference(_sample(MINE, direction="higher"), _sample(OTHER, direction="higher")).value < 0


def test_mean_and_no_error():
    """A mean has SciPy's interval; levels that do not vary at all have one without width."""
    found = stats.ttest_1samp(MINE, 0).confidence_interval(0.95)
    assert spread(_sample(MINE)).interval() == pytest.approx((found.low, found.high))
    assert spread(_sample((1.0, 1.0))).interval() == (1.0, 1.0)
    assert (Effect(0.0, 0.0, 2).p_value(), Effect(1.0, 0.0, 2).p_value()) == (1.0, 0.0)
