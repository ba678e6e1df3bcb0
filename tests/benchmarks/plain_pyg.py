"""The network of a run's YAML and its training as one writes them with PyTorch Geometric alone: the peer of ours."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F  # noqa: N812  # PyTorch's own name for it
from torch import nn
from torch_geometric.data import Data
from torch_geometric.loader import DataLoader
from torch_geometric.nn import GINEConv, global_add_pool

from molmix_bench.graphs.featurize import ATOM_FEATURE_SIZES, BOND_FEATURE_SIZES
from molmix_bench.graphs.store import GraphStore
from molmix_bench.specs.result import Target
from molmix_bench.specs.run import RunSpec
from molmix_bench.vocab import LAPLACIAN_VALUES, LAPLACIAN_VECTORS, RWSE, Kind
from tests.benchmarks.turns import Clock


class Embeddings(nn.Module):
    """One table per column of categories, summed, as OGB's atom and bond encoders are."""

    def __init__(self, sizes: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(size, width) for size in sizes)

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """Returns (n, width)."""
        return sum(table(codes[:, column]) for column, table in enumerate(self.tables))


class PlainGine(nn.Module):
    """A GINE with sum pooling, batch norm, residuals and a perceptron per dataset, of the same shape as ours."""

    def __init__(self, spec: RunSpec, targets: tuple[Target, ...]) -> None:
        super().__init__()
        model, features = spec.model, spec.features
        width, k = model.width, features.laplacian
        self.atoms = Embeddings(ATOM_FEATURE_SIZES, width)
        self.rwse = nn.Sequential(nn.BatchNorm1d(features.rwse), nn.Linear(features.rwse, width))
        self.laplacian = nn.Sequential(nn.Linear(2 * k, 2 * k), nn.ReLU(), nn.Linear(2 * k, width))
        self.bonds = nn.ModuleList(Embeddings(BOND_FEATURE_SIZES, width) for _ in range(model.depth))
        self.convs = nn.ModuleList(
            GINEConv(
                nn.Sequential(
                    nn.Linear(width, model.expansion * width),
                    nn.BatchNorm1d(model.expansion * width),
                    nn.ReLU(),
                    nn.Linear(model.expansion * width, width),
                ),
                train_eps=True,
            )
            for _ in range(model.depth)
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for _ in range(model.depth))
        self.heads = nn.ModuleDict(
            {
                target.dataset: nn.Sequential(
                    nn.Linear(width, model.head.width), nn.ReLU(), nn.Linear(model.head.width, len(target.tasks))
                )
                for target in targets
            }
        )

    def forward(self, data: Data) -> dict[str, torch.Tensor]:
        """Returns outputs of every dataset for every graph."""
        size = (data.num_graphs, data[LAPLACIAN_VECTORS].shape[1])
        signs = 2 * torch.randint(2, size, device=data.x.device) - 1
        vectors = data[LAPLACIAN_VECTORS] * signs[data.batch]
        x = self.atoms(data.x) + self.rwse(data[RWSE])
        x = x + self.laplacian(torch.cat([vectors, data[LAPLACIAN_VALUES]], dim=1))
        for bonds, conv, norm in zip(self.bonds, self.convs, self.norms, strict=True):
            x = x + norm(conv(x, data.edge_index, bonds(data.edge_attr))).relu()
        graphs = global_add_pool(x, data.batch)
        return {name: head(graphs) for name, head in self.heads.items()}


class PlainTraining:
    """PyG's `DataLoader` over a list of `Data`, and the usual loop of PyTorch."""

    def __init__(
        self,
        spec: RunSpec,
        targets: tuple[Target, ...],
        store: GraphStore,
        *,
        num_molecules: int,
        device: str = "cpu",
    ) -> None:
        batch = next(iter(store.loader("train", batch_size=num_molecules, seed=0)))
        self.graphs = [self._standardise(data, targets) for data in batch.to_pyg().to_data_list()]
        # What the documentation of PyTorch advises for a GPU; on a CPU, workers would take the cores of the training.
        settings = {} if device == "cpu" else {"num_workers": 4, "pin_memory": True, "persistent_workers": True}
        self.loader = DataLoader(self.graphs, batch_size=spec.training.batch_size, shuffle=True, **settings)
        self.targets = targets
        self.clock = Clock()
        self.device = device
        self.network = PlainGine(spec, targets).to(device)
        self.optimizer = torch.optim.AdamW(self.network.parameters(), lr=spec.training.optimizer.learning_rate)

    @staticmethod
    def _standardise(data: Data, targets: tuple[Target, ...]) -> Data:
        data.x, data.edge_attr = data.x.long(), data.edge_attr.long()
        for target in targets:
            values = data[f"y_{target.dataset}"]
            if target.kind is Kind.REGRESSION:
                values = (values.double() - torch.tensor(target.mean)) / torch.tensor(target.std)
            data[f"y_{target.dataset}"] = values.float()
        return data

    def epoch(self) -> Iterator[int]:
        """Trains, and yields the number of molecules of each batch."""
        self.network.train()
        for batch in self.clock.watch(self.loader):
            data = batch if self.device == "cpu" else batch.to(self.device, non_blocking=True)
            outputs = self.network(data)
            loss = torch.stack([self._loss(outputs[target.dataset], data, target) for target in self.targets]).sum()
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            yield data.num_graphs

    @staticmethod
    def _loss(output: torch.Tensor, data: Data, target: Target) -> torch.Tensor:
        values = data[f"y_{target.dataset}"]
        present = ~values.isnan()
        if target.kind is Kind.REGRESSION:
            return F.l1_loss(output[present], values[present])
        return F.binary_cross_entropy_with_logits(output[present], values[present])
