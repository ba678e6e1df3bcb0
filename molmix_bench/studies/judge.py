"""What follows from the scores of a study: differences and slopes with their intervals, and sentences made of these.

Chance enters twice. Another seed gives another network, and draws other molecules where any are drawn; and another test
set would hold other molecules. The variance of a mean is that between seeds, over their number, and that of the
replicates of the bootstrap over test molecules, which all levels share, so that differences are paired. Where two
levels have the same seeds, these are paired too. `effect` makes intervals and chances of them.

A study makes many comparisons. Something is established where it holds among all of them by Holm's rule (Scandinavian
Journal of Statistics 1979, 6, 65): the chance that anything at all is called so wrongly is at most 5 %. It is suggested
where only its own 95 % interval excludes 0. With one seed nothing is either: how far another would have come out is not
known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from molmix_bench.metrics.cells import FloatArray
from molmix_bench.metrics.protocol import CONFIDENCE
from molmix_bench.specs.answer import ClaimRecord, Verdict
from molmix_bench.studies.effect import Effect
from molmix_bench.studies.results import Sample


@dataclass(frozen=True, slots=True)
class Claim:
    """What can be said of one effect.

    Attributes:
        about: the dataset or task.
        question: what would have to be so, as `whether more molecules help`.
        positive, negative: what is so where the effect is above 0, and where it is below.
        measure: what the effect is in words, where it is above 0 and where its sign is turned.
        sides: names of the levels compared, where there are two.
    """

    about: str
    question: str
    positive: str
    negative: str
    measure: tuple[str, str]
    effect: Effect
    sides: tuple[str, str] | None = None

    def sentence(self, verdict: Verdict) -> str:
        """Returns what is established or suggested, or that nothing is, with the numbers."""
        effect, ends = self.effect, self.effect.interval()
        seeds = f"{effect.seeds} seed{'s' if effect.seeds != 1 else ''}"
        turned = effect.value < 0
        sign, measure = -1 if turned else 1, self.measure[turned]
        if turned and self.sides is not None and (verdict is Verdict.OPEN or ends is None):
            # Neither is named as the better one, so the number has to say whose it is.
            measure = self.measure[0].replace(" of the first ", " of the second ")
        numbers = f"{measure} {sign * effect.value:.4g}"
        if ends is None:
            return f"{self.about}: not established {self.question}: {numbers}, {seeds}, too few for an interval."
        low, high = sorted(sign * end for end in ends)
        numbers = f"{numbers}, 95 % interval {low:.4g} to {high:.4g}, {seeds}"
        what = self.negative if turned else self.positive
        return {
            Verdict.ESTABLISHED: f"{self.about}: {what}: {numbers}.",
            Verdict.SUGGESTED: f"{self.about}: suggested, not established, that {what}: {numbers}.",
            Verdict.OPEN: f"{self.about}: not established {self.question}: {numbers}.",
        }[verdict]

    def to_record(self, verdict: Verdict) -> ClaimRecord:
        """Returns everything as the study's `answer.json` has it."""
        low, high = self.effect.interval() or (None, None)
        return ClaimRecord(
            about=self.about,
            question=self.question,
            verdict=verdict,
            sentence=self.sentence(verdict),
            low=low,
            high=high,
            p_value=self.effect.p_value(),
            sides=self.sides,
            **asdict(self.effect),
        )


def judge(claims: Sequence[Claim]) -> tuple[Verdict, ...]:
    """Returns the verdict on each of the claims of a study, which are judged together.

    >>> sure, likely, open_ = (Effect(value, 1.0, 5, of_molecules=1.0) for value in (4.0, 2.1, 1.0))
    >>> claims = [Claim("a", "whether", "yes", "no", ("by", "by"), effect) for effect in (open_, likely, sure)]
    >>> [str(verdict) for verdict in judge(claims)]
    ['open', 'suggested', 'established']
    >>> [str(verdict) for verdict in judge(claims[1:2])]
    ['established']
    """
    chances = [claim.effect.p_value() for claim in claims]
    known = sorted((chance, place) for place, chance in enumerate(chances) if chance is not None)
    verdicts = [Verdict.OPEN] * len(claims)
    holds = True
    for rank, (chance, place) in enumerate(known):
        holds = holds and chance <= (1 - CONFIDENCE) / (len(known) - rank)
        if holds:
            verdicts[place] = Verdict.ESTABLISHED
        elif chance <= 1 - CONFIDENCE:
            verdicts[place] = Verdict.SUGGESTED
    return tuple(verdicts)


def difference(mine: Sample, other: Sample) -> Effect:
    """Returns how much better one level is than another: above 0 whichever way the metric is better."""
    sign = 1.0 if mine.direction == "higher" else -1.0
    value = sign * (mine.mean - other.mean)
    paired = mine.seeds == other.seeds
    count = min(len(mine.seeds), len(other.seeds))
    if count < 2:  # noqa: PLR2004  # one seed has no variance
        return Effect(value, None, count)
    if paired:
        parts = [(float((mine.values - other.values).var(ddof=1)) / count, count - 1)]
    else:
        parts = [(float(item.values.var(ddof=1)) / len(item.values), len(item.values) - 1) for item in (mine, other)]
    molecules = 0.0
    if mine.replicates is not None and other.replicates is not None:
        molecules = float(np.nanvar(mine.replicates - other.replicates))
    return Effect.of(value, tuple(parts), molecules, count)


def spread(sample: Sample, *, against: float = 0.0) -> Effect:
    """Returns a mean, less some constant, with both parts of its error."""
    count = len(sample.seeds)
    if count < 2:  # noqa: PLR2004  # as above
        return Effect(sample.mean - against, None, count)
    molecules = 0.0 if sample.replicates is None else float(np.nanvar(sample.replicates))
    return Effect.of(sample.mean - against, ((float(sample.values.var(ddof=1)) / count, count - 1),), molecules, count)


def slope(samples: Sequence[Sample], design: FloatArray, contrast: Sequence[float]) -> Effect | None:
    """Returns a combination of the coefficients of a least-squares fit to all seeds' scores; above 0 is better.

    Where all levels have the same seeds, each seed has a fit of its own, and the error is that of their mean: seeds
    that draw other datasets or molecules differ in how steep they are, which residuals of one common fit do not show
    (Feldman, J. Appl. Physiol. 1988, 64, 1721). The error of a common fit stands for levels of other seeds alone.

    Args:
        samples: the levels.
        design: a row for each level, a column for each coefficient; a constant is one of them.
        contrast: weights of the coefficients.

    Returns:
        None where the levels do not tell the coefficients apart.
    """
    if not samples or np.linalg.matrix_rank(design) < design.shape[1]:
        return None
    sign = 1.0 if samples[0].direction == "higher" else -1.0
    if all(sample.seeds == samples[0].seeds for sample in samples):
        of_seeds = np.asarray(contrast, np.float64) @ np.linalg.pinv(design)
        values = sign * of_seeds @ np.stack([sample.values for sample in samples])
        replicates = [sample.replicates for sample in samples if sample.replicates is not None]
        every = sign * of_seeds @ np.stack(replicates) if len(replicates) == len(samples) else None
        return spread(replace(samples[0], values=values, replicates=every))
    rows = np.repeat(design, [len(sample.values) for sample in samples], axis=0)
    values = sign * np.concatenate([sample.values for sample in samples])
    solve, weights = np.linalg.pinv(rows), np.asarray(contrast, np.float64)
    fitted = solve @ values
    count, freedom = min(len(sample.values) for sample in samples), len(values) - design.shape[1]
    value = float(weights @ fitted)
    if count < 2 or freedom < 1:  # noqa: PLR2004  # as above
        return Effect(value, None, count)
    residual = float(((values - rows @ fitted) ** 2).sum()) / freedom
    molecules = 0.0
    if all(sample.replicates is not None for sample in samples):
        means = np.stack([np.asarray(sample.replicates) for sample in samples])
        every = np.repeat(means, [len(sample.values) for sample in samples], axis=0)
        molecules = float(np.nanvar(sign * weights @ solve @ every))
    return Effect.of(value, ((residual * float(weights @ solve @ solve.T @ weights), freedom),), molecules, count)


def better(about: str, mine: Sample | None, other: Sample | None) -> Claim | None:
    """Returns the claim that one level is better than another; None where one is missing."""
    if mine is None or other is None:
        return None
    return Claim(
        about,
        f"which of {mine.name} and {other.name} is better",
        f"{mine.name} is better than {other.name}",
        f"{other.name} is better than {mine.name}",
        _measures(mine.metric),
        difference(mine, other),
        (mine.name, other.name),
    )


def _measures(metric: str) -> tuple[str, str]:
    return f"{metric} of the first better by", f"{metric} better by"
