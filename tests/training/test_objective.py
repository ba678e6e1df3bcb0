"""Tests of what heads are trained for."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # PyTorch's own name for it
from hypothesis import given
from hypothesis import strategies as st

from molmix_bench.graphs.batch import DenseLabels, NodeLabels, SparseLabels
from molmix_bench.specs.result import Target
from molmix_bench.specs.run import ClassLossSpec
from molmix_bench.training.objective import Objective
from molmix_bench.vocab import Kind
from tests.models.small import ASSAYS, CHARGES, GRADES, PROPS

CPU = torch.device("cpu")
NAN = torch.nan


def _dense(values):
    return DenseLabels(torch.arange(len(values)), torch.tensor(values))


def _sparse(table):
    """Returns a table's labels as a sparse dataset has them, as int8 where they are whole numbers."""
    owners, tasks = np.nonzero(~np.isnan(table))
    values = table[owners, tasks]
    whole = not np.any(values % 1)
    return SparseLabels(
        torch.arange(len(table)),
        torch.from_numpy(owners),
        torch.from_numpy(tasks),
        torch.from_numpy(values.astype(np.int8 if whole else np.float32)),
    )


def test_regression_is_learnt_standardised_and_predicted_in_units():
    """With mean 1, std 2 and mean -40, std 0.5: |0.5 - 1| + |-2 - (-1)| by hand; predictions are float64."""
    objective = Objective.of(PROPS, device=CPU)
    outputs = torch.tensor([[0.5, -2.0], [9.0, 9.0]])
    values = torch.tensor([[3.0, -40.5], [NAN, NAN]], dtype=torch.float64)
    total, count = objective.loss(outputs, DenseLabels(torch.arange(2), values))
    assert (total.item(), count.item()) == (1.5, 2)
    predictions = objective.predictions(outputs)
    assert predictions.tolist() == [[2.0, -41.0], [19.0, -35.5]]
    assert predictions.dtype is torch.float64


def test_float64_labels_keep_their_digits():
    """Energies of -400 Hartree that differ by 1e-6, below float32's resolution of 3e-5, are told apart."""
    target = PROPS.model_copy(update={"mean": (-400.0, -400.0), "std": (1e-5, 1e-5)})
    values = torch.tensor([[-400.000001, -400.000002]], dtype=torch.float64)
    dense = DenseLabels(torch.arange(1), values)
    sparse = SparseLabels(torch.arange(1), torch.tensor([0, 0]), torch.tensor([0, 1]), values[0])
    for labels in (dense, sparse):
        total, _ = Objective.of(target, device=CPU).loss(torch.zeros(1, 2), labels)
        assert total.item() == pytest.approx(0.1 + 0.2, rel=1e-4)


def test_float32_labels_are_predicted_in_float32():
    """Where labels are float32, more digits would only be noise."""
    objective = Objective.of(PROPS.model_copy(update={"dtype": "float32"}), device=CPU)
    assert objective.predictions(torch.zeros(1, 2)).dtype is torch.float32


def test_binary_is_learnt_from_logits_and_predicted_as_probability():
    """A logit of 0 costs ln 2 either way and is a probability of 1/2."""
    objective = Objective.of(ASSAYS, device=CPU)
    total, count = objective.loss(torch.zeros(1, 3), _dense([[0.0, 1.0, NAN]]))
    assert total.item() == pytest.approx(2 * 0.6931472)
    assert count.item() == 2
    assert objective.predictions(torch.zeros(1, 3)).tolist() == [[0.5, 0.5, 0.5]]


def test_classes_are_learnt_from_logits_and_predicted_as_probabilities():
    """Logits are task by task; each task's probabilities sum to 1. By hand: classes 2 of (1/2, 1/4, 1/4), 0 missing."""
    objective = Objective.of(GRADES, device=CPU, class_loss=ClassLossSpec(cross_entropy=0.5))
    outputs = torch.tensor([[2.0, 1.0, 1.0, 1.0, 1.0, 2.0]]).log()
    total, count = objective.loss(outputs, _dense([[2.0, NAN]]))
    assert count.item() == 1
    # The expected class is 0.75, 1.25 away from class 2.
    assert total.item() == pytest.approx(0.5 * 1.3862944 + 0.5 * 1.25**2)
    torch.testing.assert_close(objective.predictions(outputs), torch.tensor([[0.5, 0.25, 0.25, 0.25, 0.25, 0.5]]))


def test_atoms_are_learnt_where_they_have_labels():
    """Outputs are those of the labelled atoms; a label that is missing among them is masked. Mean 0, std 0.5."""
    labels = NodeLabels(torch.tensor([1]), torch.tensor([4, 6]), torch.tensor([[0.5], [NAN]]))
    total, count = Objective.of(CHARGES, device=CPU).loss(torch.tensor([[3.0], [7.0]]), labels)
    assert (total.item(), count.item()) == (2.0, 1)


@given(data=st.data(), target=st.sampled_from([PROPS, ASSAYS, GRADES]))
def test_sparse_loss_is_that_of_the_same_labels_dense(data, target):
    """Sums, counts and gradients are the dense loss's, for any labels of any kind; the dense one is the reference."""
    num_rows = data.draw(st.integers(0, 5))
    num_classes = {PROPS: 9, ASSAYS: 2, GRADES: 3}[target]
    cells = st.sampled_from([np.nan, *(float(value) for value in range(num_classes))])
    size = num_rows * len(target.tasks)
    table = np.array(data.draw(st.lists(cells, min_size=size, max_size=size))).reshape(num_rows, len(target.tasks))
    outputs = torch.randn(num_rows, target.num_outputs, generator=torch.Generator().manual_seed(0))
    objective, results = Objective.of(target, device=CPU), []
    for labels in (_dense(table.astype(np.float32)), _sparse(table)):
        leaf = outputs.clone().requires_grad_()
        total, count = objective.loss(leaf, labels)
        total.backward()
        results.append((total.item(), count.item(), leaf.grad))
    (dense, sparse) = results
    assert sparse[0] == pytest.approx(dense[0], rel=1e-5, abs=1e-6)
    assert sparse[1] == dense[1]
    torch.testing.assert_close(sparse[2], dense[2])


def dense_reference(outputs, table):
    """Returns the loss of a dataset with very many tasks as it would be over a table with NaN for the missing."""
    errors = F.binary_cross_entropy_with_logits(outputs, table.nan_to_num(), reduction="none")
    missing = table.isnan()
    return errors.masked_fill(missing, 0.0).sum(), (~missing).sum()


def test_sparse_loss_makes_no_dense_table():
    """At PCBA's size, 512 molecules, 1,328 tasks, 11 % labelled, what the loss makes is of the size of the labels."""
    generator = torch.Generator().manual_seed(0)
    size = (512, 1_328)
    target = Target(
        dataset="panel", level="graph", kind="binary", dtype="int8", tasks=[f"t{i}" for i in range(size[1])]
    )
    objective = Objective.of(target, device=CPU)
    owners, tasks = (torch.rand(size, generator=generator) < 0.11).nonzero().T.contiguous()
    values = torch.randint(2, owners.shape, generator=generator, dtype=torch.int8)
    outputs = torch.randn(size, generator=generator, requires_grad=True)
    table = torch.full(size, NAN)
    table[owners, tasks] = values.float()
    labels = SparseLabels(torch.arange(size[0]), owners, tasks, values)
    sparse, made_sparse = _allocated(lambda: objective.loss(outputs, labels))
    dense, made_dense = _allocated(lambda: dense_reference(outputs, table))
    assert sparse[0].item() == pytest.approx(dense[0].item(), rel=1e-5)
    assert sparse[1].item() == dense[1].item()
    num_bytes = 4 * len(values)
    assert max(made_sparse) < 4 * num_bytes < max(made_dense)
    assert sum(made_sparse) < 10 * num_bytes < sum(made_dense)


def _allocated(call):
    """Returns what a call gives, and the bytes of each tensor that its operations made."""
    with torch.profiler.profile(profile_memory=True) as profile:
        result = call()
    return result, [event.self_cpu_memory_usage for event in profile.events() if event.self_cpu_memory_usage > 0]


@pytest.mark.parametrize("sparse", [True, False])
def test_each_task_may_count_the_same(sparse):
    """With the mean over tasks, (1 + 3) / 2 for the first, 8 for the second and nothing for the third: 10 for 2."""
    target = ASSAYS.model_copy(update={"kind": Kind.REGRESSION, "mean": (0.0,) * 3, "std": (1.0,) * 3})
    objective = Objective.of(target, device=CPU, mean="tasks")
    values = [[1.0, NAN, NAN], [-3.0, 8.0, NAN]]
    labels = _sparse(np.array(values)) if sparse else _dense(values)
    outputs = torch.zeros(2, 3, requires_grad=True)
    total, count = objective.loss(outputs, labels)
    assert (total.item(), count.item()) == (10.0, 2)
    (gradient,) = torch.autograd.grad(total, outputs)
    assert gradient.tolist() == [[-0.5, 0.0, 0.0], [0.5, -1.0, 0.0]]
