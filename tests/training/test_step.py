"""Tests of one change of the weights."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # PyTorch's own name for it
from lightning_fabric import Fabric

from molmix_bench.errors import RunError
from molmix_bench.graphs.batch import NodeLabels
from molmix_bench.models.network import make_network
from molmix_bench.specs.run import TrainingSpec
from molmix_bench.training import step as step_module
from molmix_bench.training.objective import Objective
from molmix_bench.training.step import Step, add_sums, mean_losses
from tests.models.small import ASSAYS, CHARGES, FEATURES, GRADES, PROPS, SPEC, make_batch

NAN = float("nan")
CPU = torch.device("cpu")


TARGETS = (PROPS, ASSAYS, GRADES, CHARGES)


def _batch():
    batch = make_batch(
        props=([0, 2, 3], [[1.0, -40.5], [3.0, NAN], [NAN, -39.0]]),
        assays=([2, 5], [[1.0, NAN, 0.0], [NAN, NAN, 1.0]]),
        grades=([1, 4], [[2.0, NAN], [0.0, 1.0]]),
    )
    charges = NodeLabels(torch.tensor([0, 4]), torch.tensor([1, 15]), torch.tensor([[0.5], [-1.0]]))
    return replace(batch, labels={**batch.labels, "charges": charges})


def _network():
    torch.manual_seed(0)
    # Without batch norm, before which biases have no effect, so that AdamW would blow rounding errors up to steps.
    spec = SPEC.model_copy(update={"flip_signs": False, "norm": "layer"})
    return make_network(spec, features=FEATURES, targets=TARGETS)


def _step(network, tmp_path, **settings):
    spec = TrainingSpec(epochs=1, batch_size=6, **settings)
    fabric = Fabric(accelerator="cpu", devices=1)
    decay = spec.optimizer.weight_decay
    model, optimizer = fabric.setup(network, torch.optim.AdamW(network.parameters(), lr=1.0, weight_decay=decay))
    objectives = {target.dataset: Objective.of(target, device=CPU) for target in TARGETS}
    return Step(
        spec=spec,
        fabric=fabric,
        model=model,
        optimizer=optimizer,
        objectives=objectives,
        failed_batch=tmp_path / "failed",
    )


def test_equals_a_plain_pytorch_loop(tmp_path):
    """Three steps change the weights as a loop does that indexes the labels present and knows nothing of masks."""
    network = _network()
    plain = copy.deepcopy(network)
    step = _step(network, tmp_path, loss_weights={"assays": 0.5}, optimizer={"weight_decay": 0.1, "clip_norm": 0.3})
    optimizer = torch.optim.AdamW(plain.parameters(), lr=1.0, weight_decay=0.1)
    for rate in (0.01, 0.02, 0.005):
        sums = step(_batch(), rate=rate, where="-")
        outputs = plain(_batch())
        # Standardised by hand: means 1 and -40, standard deviations 2 and 0.5.
        props = outputs["props"][[0, 0, 1, 2], [0, 1, 0, 1]]
        assays = outputs["assays"][[0, 0, 1], [0, 2, 2]]
        l1 = F.l1_loss(props, torch.tensor([0.0, -1.0, 1.0, 2.0]))
        bce = F.binary_cross_entropy_with_logits(assays, torch.tensor([1.0, 0.0, 1.0]))
        grades = outputs["grades"].reshape(2, 2, 3)[[0, 1, 1], [0, 0, 1]]
        right = torch.tensor([2, 0, 1])
        expected = grades.softmax(dim=1) @ torch.tensor([0.0, 1.0, 2.0])
        hybrid = 0.5 * F.cross_entropy(grades, right) + 0.5 * F.mse_loss(expected, right.float())
        atoms = F.l1_loss(outputs["charges"], torch.tensor([[1.0], [-2.0]]))
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        (l1 + 0.5 * bce + hybrid + atoms).backward()
        torch.nn.utils.clip_grad_norm_(plain.parameters(), 0.3)
        optimizer.step()
        losses = mean_losses(sums)
        assert losses["props"].item() == pytest.approx(l1.item(), rel=1e-5)
        assert losses["assays"].item() == pytest.approx(bce.item(), rel=1e-5)
        assert losses["grades"].item() == pytest.approx(hybrid.item(), rel=1e-5)
        assert losses["charges"].item() == pytest.approx(atoms.item(), rel=1e-5)
    for (name, ours), theirs in zip(network.named_parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4, msg=name)


def test_labels_that_are_missing_leave_the_weights_alone(tmp_path):
    """A batch without a single label changes nothing, weight decay aside."""
    network = _network()
    before = copy.deepcopy(list(network.parameters()))
    step = _step(network, tmp_path, optimizer={"weight_decay": 0.0})
    sums = step(make_batch(props=([0], [[NAN, NAN]]), assays=([1], [[NAN, NAN, NAN]])), rate=0.1, where="-")
    assert {name: loss.item() for name, loss in mean_losses(sums).items()} == {"props": 0.0, "assays": 0.0}
    assert all(torch.equal(one, two) for one, two in zip(before, network.parameters(), strict=True))


def test_sums_over_batches_weigh_every_label_alike():
    """3 labels of loss 1 and 1 label of loss 5 have the mean 2, whichever batches they came in."""
    one = {"a": (torch.tensor(3.0), torch.tensor(3))}
    two = {"a": (torch.tensor(5.0), torch.tensor(1)), "b": (torch.tensor(0.0), torch.tensor(0))}
    assert {name: loss.item() for name, loss in mean_losses(add_sums([one, two])).items()} == {"a": 2.0, "b": 0.0}


def test_a_loss_is_asked_for_when_the_next_step_is_under_way(tmp_path, monkeypatch):
    """A GPU that has the next step to do does not wait while the host looks at the loss of this one."""
    events = []
    step = _step(_network(), tmp_path)
    change, ask = step.optimizer.step, step_module._OnItsWay.item
    monkeypatch.setattr(step.optimizer, "step", lambda: events.append("change") or change())
    monkeypatch.setattr(step_module._OnItsWay, "item", lambda loss: events.append("ask") or ask(loss))
    for _ in range(3):
        step(_batch(), rate=0.01, where="-")
    step.finish()
    assert events == ["change", "change", "ask", "change", "ask", "ask"]


def test_a_loss_that_is_not_finite_is_found_in_the_next_step(tmp_path):
    """The error names the step that gave it, whether another one follows or not; the batch is kept."""
    spoilt = make_batch(props=([0], [[float("inf"), 0.0]]))
    for following in (lambda step: step(_batch(), rate=0.1, where="second"), lambda step: step.finish()):
        step = _step(_network(), tmp_path)
        step(spoilt, rate=0.1, where="first")
        with pytest.raises(RunError, match=r"^first: a loss that is not finite \(props\)"):
            following(step)
        assert (tmp_path / "failed").is_file()
        (tmp_path / "failed").unlink()
        step.finish()


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA out of memory."), RuntimeError("DefaultCPUAllocator: can't allocate memory: 8 EB")],
)
def test_out_of_memory_names_the_batch_and_the_setting(error, tmp_path, monkeypatch):
    """Whether a GPU's memory or the machine's; any other error of PyTorch's stays what it is."""
    step = _step(_network(), tmp_path)

    def raises(*_):
        raise error

    monkeypatch.setattr(type(step), "_forward", raises)
    with pytest.raises(RunError, match=r"epoch 3, batch 2: too little memory for a batch of 6 molecules.*batch_size"):
        step(_batch(), rate=0.1, where="epoch 3, batch 2")
    monkeypatch.setattr(type(step), "_forward", lambda *_: torch.zeros(2) @ torch.zeros(3))
    with pytest.raises(RuntimeError, match=r"inconsistent|size"):
        step(_batch(), rate=0.1, where="epoch 3, batch 2")
