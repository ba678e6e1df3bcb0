"""Networks as scikit-learn has its estimators: molecules in, as SMILES; vectors, values or classes out.

`X` is a sequence of SMILES, or a table with one column of them. What is no molecule is a `ValueError`, as is everything
that scikit-learn has one for.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import Tags, assert_all_finite, check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from molmix_bench.chem.molecule import Molecule, Rejected, standardize_all
from molmix_bench.errors import UsageError
from molmix_bench.graphs.order import generator, shuffled
from molmix_bench.metrics.cells import FloatArray
from molmix_bench.specs.base import validate_changed
from molmix_bench.specs.finetune import MODES, FinetuneSpec, Mode, TuningSpec
from molmix_bench.training.trained import Run, open_run
from molmix_bench.transfer.embed import choose_layer, choose_network
from molmix_bench.transfer.ensemble import embed_batch, open_ensemble
from molmix_bench.transfer.featurized import Featurized, featurize_all
from molmix_bench.transfer.fit import objective_of, predict_places
from molmix_bench.transfer.fold_data import fold_data
from molmix_bench.transfer.measurements import MAX_ATOMS, Measurements, RawMeasurements, clean
from molmix_bench.transfer.methods import Methods
from molmix_bench.transfer.splits import Fold
from molmix_bench.transfer.start import Start
from molmix_bench.vocab import DropReason, Kind

_NAME = "task"
_CPU = torch.device("cpu")


class MoleculeEmbedder(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Molecules as the vectors that a trained network has for them.

    Args:
        run: the directory of a finished run, or of a fine-tuning.
        layer: whose vectors; the last's where None.
        network: which of the run's networks, by its place.
    """

    def __init__(self, run: str | Path | None = None, *, layer: int | None = None, network: int = 0) -> None:
        self.run = run
        self.layer = layer
        self.network = network

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002, N803  # scikit-learn's names
        """Opens the network; nothing is learnt."""
        smiles_of(X)
        if self.run is None:
            raise ValueError(str(_no_run()))
        ensemble = open_ensemble(self.run)
        self.spec_ = ensemble.spec
        self.network_ = choose_network(ensemble, self.network)
        self.layer_ = choose_layer(ensemble, self.network_, self.layer)
        # Not by `transform`, whose columns may be asked for by names that are not known before their number is.
        self.num_features_ = self._vectors(["C"]).shape[1]
        return self

    def transform(self, X: Any) -> NDArray[np.float32]:  # noqa: N803  # scikit-learn's name
        """Returns the vectors of molecules, (n, width)."""
        check_is_fitted(self, "network_")
        return self._vectors(smiles_of(X))

    def _vectors(self, smiles: Sequence[str]) -> NDArray[np.float32]:
        molecules = standard_molecules(smiles)
        table = featurize_all([item.mol_id for item in molecules], [item.smiles for item in molecules], spec=self.spec_)
        parts = [embed_batch(self.network_, batch, self.layer_, table=table.fingerprints) for batch in table.batches()]
        found: NDArray[np.float32] = np.concatenate(parts)
        return found

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:  # noqa: ARG002  # scikit-learn's
        """Returns a name for each place of the vectors."""
        check_is_fitted(self, "network_")
        return np.array([f"embedding_{place}" for place in range(self.num_features_)], object)

    def __sklearn_tags__(self) -> Tags:
        tags = _smiles_tags(super().__sklearn_tags__())
        tags.transformer_tags.preserves_dtype = []  # Texts go in; what comes out is float32.
        return tags


class _Finetuned(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What regressor and classifier have in common; arguments as they say."""

    def __init__(
        self,
        run: str | Path | Run | None = None,
        *,
        mode: Mode = "head_first",
        tuning: dict[str, Any] | None = None,
        validation_fraction: float = 0.1,
        random_state: Any = None,
    ) -> None:
        self.run = run
        self.mode = mode
        self.tuning = tuning
        self.validation_fraction = validation_fraction
        self.random_state = random_state

    def _fit(self, smiles: Sequence[str], labels: FloatArray, kind: Kind, num_classes: int | None) -> None:
        """Fine-tunes the run's network on labels, (n,)."""
        spec = self._spec()
        if self.run is None:
            raise ValueError(str(_no_run()))
        start = Start.of(self.run if isinstance(self.run, Run) else open_run(self.run))
        found = clean(RawMeasurements(_NAME, (_NAME,), kind, num_classes, smiles, labels[:, None]))
        _refuse_or_warn(found)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        molecules = featurize_all(found.mol_ids, found.smiles, spec=start.spec)
        data = fold_data(found, molecules, _holdout(found, self.validation_fraction, seed))
        with tempfile.TemporaryDirectory() as folder:
            fabric = Fabric(accelerator="cpu", devices=1)
            methods = Methods(start, spec, fabric=fabric, failed_batch=Path(folder) / "failed_batch.safetensors")
            learnt = methods.learn(self.mode, data, seed=seed)
        if learnt.network is None:
            raise TypeError("a mode has a network")
        self.spec_ = start.spec
        self.target_ = data.target
        self.network_ = learnt.network
        self.epoch_ = learnt.epoch

    def _predict(self, X: Any) -> NDArray[np.floating]:  # noqa: N803  # scikit-learn's name
        """Returns the network's predictions, (n, num_outputs)."""
        check_is_fitted(self, "network_")
        molecules = standard_molecules(smiles_of(X))
        table: Featurized = featurize_all(
            [item.mol_id for item in molecules], [item.smiles for item in molecules], spec=self.spec_
        )
        objective = objective_of(self.target_, _CPU)
        return predict_places(self.network_, objective, table, np.arange(len(table)), device=_CPU)

    def _spec(self) -> FinetuneSpec:
        if self.mode not in MODES:
            raise ValueError(f"mode: found {self.mode!r}; expected one of {', '.join(MODES)}")
        if not 0 < self.validation_fraction < 1:
            raise ValueError(
                f"validation_fraction: found {self.validation_fraction}; expected more than 0, less than 1"
            )
        tuning = validate_changed(TuningSpec, self.tuning or {}, where="tuning")
        return FinetuneSpec(modes=(self.mode,), references=(), tuning=tuning)

    def __sklearn_tags__(self) -> Tags:
        return _smiles_tags(super().__sklearn_tags__())


class MoleculeRegressor(RegressorMixin, _Finetuned):  # type: ignore[misc]
    """A network that goes on learning: values of molecules, of one that has several rows their mean.

    Args:
        run: a finished run, or its directory.
        mode: `probe`, `head_first` or `all`, as `finetune` has them.
        tuning: settings of `specs.finetune.TuningSpec` that are not to be the usual ones.
        validation_fraction: share of the molecules by which training ends.
        random_state: decides the new head, the order of molecules and which of them validate.
    """

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803  # scikit-learn's name
        """Fine-tunes the network on values, (n,)."""
        smiles = smiles_of(X)
        values = _values(y, len(smiles)).astype(np.float64)
        assert_all_finite(values, input_name="y")
        self._fit(smiles, values, Kind.REGRESSION, None)
        return self

    def predict(self, X: Any) -> FloatArray:  # noqa: N803  # scikit-learn's name
        """Returns values, (n,)."""
        return self._predict(X)[:, 0].astype(np.float64)


class MoleculeClassifier(ClassifierMixin, _Finetuned):  # type: ignore[misc]
    """A network that goes on learning: classes of molecules; arguments as `MoleculeRegressor`.

    A molecule that has several rows has the class of most; where they tie, it is left out with a warning.
    """

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803  # scikit-learn's name
        """Fine-tunes the network on classes, (n,), of any type that can be sorted."""
        smiles = smiles_of(X)
        labels = _values(y, len(smiles))
        check_classification_targets(labels)
        encoder = LabelEncoder().fit(labels)
        self.classes_ = encoder.classes_
        if len(self.classes_) < 2:  # noqa: PLR2004  # nothing to tell apart
            raise ValueError(f"y: found one class, {self.classes_.tolist()[0]!r}; expected two classes at least")
        binary = len(self.classes_) == 2  # noqa: PLR2004  # a kind of its own
        codes = encoder.transform(labels).astype(np.float64)
        self._fit(smiles, codes, Kind.BINARY if binary else Kind.MULTICLASS, None if binary else len(self.classes_))
        return self

    def predict_proba(self, X: Any) -> FloatArray:  # noqa: N803  # scikit-learn's name
        """Returns the probability of each class, (n, num_classes)."""
        found = self._predict(X).astype(np.float64)
        if len(self.classes_) == 2:  # noqa: PLR2004  # the probability of the second
            return np.hstack([1 - found, found])
        return np.asarray(found / found.sum(axis=1, keepdims=True))

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803  # scikit-learn's name
        """Returns the most probable class, (n,)."""
        places = self.predict_proba(X).argmax(axis=1)
        found: NDArray[Any] = self.classes_[places]
        return found


def smiles_of(X: Any) -> list[str]:  # noqa: N803  # scikit-learn's name
    """Returns the SMILES of a sequence, or of a table with one column.

    Raises:
        ValueError: it is no such thing, or empty.
    """
    array = np.asarray(X, dtype=object)
    if array.ndim == 2 and array.shape[1] == 1:  # noqa: PLR2004  # a table
        array = array[:, 0]
    if array.ndim != 1:
        raise ValueError(f"X: found the shape {array.shape}; expected SMILES, (n,), or a column of them, (n, 1)")
    if not len(array):
        raise ValueError("X: found 0 sample(s) (shape=(0,)) while a minimum of 1 is required.")
    strange = [place for place, text in enumerate(array) if not isinstance(text, str)]
    if strange:
        raise ValueError(f"X, place {strange[0]}: found {array[strange[0]]!r:.80}; expected a SMILES")
    return [str(text) for text in array]


def standard_molecules(smiles: Sequence[str]) -> list[Molecule]:
    """Returns the standard molecules of SMILES.

    Raises:
        ValueError: one is no molecule.
    """
    found = standardize_all(smiles, max_atoms=MAX_ATOMS)
    for place, item in enumerate(found):
        if isinstance(item, Rejected):
            raise ValueError(f"molecule {place}, {smiles[place]!r:.80}: {item.reason} ({item.detail})")  # noqa: TRY004  # scikit-learn's rule
    return [item for item in found if isinstance(item, Molecule)]


def _values(y: Any, size: int) -> NDArray[Any]:
    if y is None:
        raise ValueError("requires y to be passed, but the target y is None")
    values: NDArray[Any] = column_or_1d(y, warn=True)
    assert_all_finite(values, input_name="y")
    if any(value is None for value in values.tolist()):
        raise ValueError("y: found None; expected a label for every molecule")
    if len(values) != size:
        raise ValueError(f"Found input variables with inconsistent numbers of samples: {[size, len(values)]}")
    return values


def _refuse_or_warn(found: Measurements) -> None:
    """Refuses what is no molecule; warns where a molecule has as many rows of one class as of another."""
    dropped = found.problems.filter(pl.col("dropped"), pl.col("task").is_null())
    ties = dropped.filter(reason=str(DropReason.CONFLICT))
    for row in dropped.filter(pl.col("reason") != str(DropReason.CONFLICT)).head(1).iter_rows(named=True):
        raise ValueError(f"molecule {row['row']}, {row['smiles']!r:.80}: {row['reason']} ({row['detail']})")
    if ties.height:
        row = ties.row(0, named=True)
        where = f"molecule {row['row']}, {row['smiles']!r:.80}"
        text = f"{where}: classes of its rows tie; {ties.height:,} such rows are left out"
        warnings.warn(text, UserWarning, stacklevel=4)


def _holdout(found: Measurements, share: float, seed: int) -> Fold:
    """Returns molecules to learn from and to validate on; all of them to both where there are too few."""
    order = shuffled(len(found), generator(seed, 0))
    size = max(1, round(share * len(found)))
    nobody = np.empty(0, np.int64)
    if len(found) < 2:  # noqa: PLR2004  # one to learn from, one to validate on
        raise ValueError(f"found {len(found)} sample: 1 sample is not enough to learn from and to validate on")
    size = min(size, len(found) - 1)
    return Fold(np.sort(order[size:]).astype(np.int64), np.sort(order[:size]).astype(np.int64), nobody)


def _smiles_tags(tags: Tags) -> Tags:
    tags.input_tags.string = True
    tags.input_tags.one_d_array = True
    tags.input_tags.two_d_array = False
    return tags


def _no_run() -> UsageError:
    return UsageError("run", found="None", expected="the directory of a finished run")
