"""Many molecules as one disconnected graph, in PyG's words, with their labels by dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import torch
from torch import Tensor

from molmix_bench.graphs.batch_labels import DenseLabels, Labels, NodeLabels, SparseLabels
from molmix_bench.graphs.groups import Groups

__all__ = ["Batch", "DenseLabels", "EdgeGroups", "HostSide", "Labels", "NodeLabels", "SparseLabels"]


@dataclass(frozen=True, slots=True)
class EdgeGroups:
    """The edges of a batch by the atom they come from, by the atom they go to, and by the kind of bond."""

    source: Groups
    target: Groups
    code: Groups


@dataclass(frozen=True, slots=True)
class HostSide:
    """What a program has to know of a batch: asked of a GPU, it would have to wait for all that the GPU has to do.

    Shapes:
        molecules: (num_graphs,) int64, as in `Batch`, on the CPU.
    """

    largest: int
    """Atoms of the largest molecule; 0 where there is none."""
    molecules: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Molecules as one graph of unconnected parts.

    Atoms and bonds are kept as codes: rows of two tables that hold each distinct atom and bond of the store once, so
    that a model can embed the tables and index the result instead of embedding every atom. Encodings are kept in half
    precision, as a store has them. `x`, `edge_attr` and `encodings` are made when asked for.

    Shapes:
        atom_code: (num_nodes,) int32, rows of `atom_table`.
        bond_code: (num_edges,) int32, rows of `bond_table`.
        atom_table: (num_distinct_atoms, 9) uint8, columns as `features.ATOM_FEATURES`.
        bond_table: (num_distinct_bonds, 4) uint8, columns as `features.BOND_FEATURES`.
        edge_index: (2, num_edges) int64, source and target; each bond is two edges, one after the other.
        batch: (num_nodes,) int64, the graph of each node.
        ptr: (num_graphs + 1,) int64, the first node of each graph, and num_nodes.
        molecules: (num_graphs,) int64, rows of the store.
        half_encodings: by name (`vocab.RWSE`, ...), each (num_nodes, k) float16.
        labels: by dataset; every dataset asked for is there, if with no rows.
        edge_groups: of the edges, where somebody has made them; see `group_edges`.
        known: what the host knew of the batch when it was sent to a GPU; see `host_side`.
    """

    atom_code: Tensor
    bond_code: Tensor
    atom_table: Tensor
    bond_table: Tensor
    edge_index: Tensor
    batch: Tensor
    ptr: Tensor
    molecules: Tensor
    half_encodings: Mapping[str, Tensor] = field(default_factory=dict)
    labels: Mapping[str, Labels] = field(default_factory=dict)
    edge_groups: EdgeGroups | None = None
    known: HostSide | None = None

    @property
    def x(self) -> Tensor:
        """Atom features, (num_nodes, 9) uint8."""
        return self.atom_table.index_select(0, self.atom_code)

    @property
    def edge_attr(self) -> Tensor:
        """Bond features, (num_edges, 4) uint8."""
        # Its four columns of a byte each, taken as one number: a quarter of the time.
        numbers = self.bond_table.view(torch.int32)
        return numbers.index_select(0, self.bond_code).view(torch.uint8)

    @property
    def encodings(self) -> dict[str, Tensor]:
        """Positional and structural encodings by name (`vocab.RWSE`, ...), each (num_nodes, k) float32."""
        # They may be columns of one tensor; cast as they lie, they would take three times as long.
        return {name: values.contiguous().float() for name, values in self.half_encodings.items()}

    @property
    def num_graphs(self) -> int:
        """Molecules in the batch."""
        return len(self.molecules)

    @property
    def num_nodes(self) -> int:
        """Atoms in the batch."""
        return len(self.atom_code)

    @property
    def num_edges(self) -> int:
        """Directed edges in the batch: twice the bonds."""
        return len(self.bond_code)

    @property
    def host_side(self) -> HostSide:
        """What a program has to know; of a batch that `to` sent to a GPU it is known already."""
        if self.known is not None:
            return self.known
        sizes = self.ptr.diff()
        return HostSide(int(sizes.max()) if len(sizes) else 0, self.molecules.cpu())

    def map(self, function: Callable[[Tensor], Tensor]) -> Self:
        """Returns this batch with `function` applied to every tensor, and without what is derived from them."""
        return replace(
            self,
            atom_code=function(self.atom_code),
            bond_code=function(self.bond_code),
            atom_table=function(self.atom_table),
            bond_table=function(self.bond_table),
            edge_index=function(self.edge_index),
            batch=function(self.batch),
            ptr=function(self.ptr),
            molecules=function(self.molecules),
            half_encodings={name: function(values) for name, values in self.half_encodings.items()},
            labels={name: labels.map(function) for name, labels in self.labels.items()},
            edge_groups=None,
            known=None,
        )

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> Self:
        """Returns this batch on a device; `non_blocking` overlaps the copy where the batch is pinned."""
        moved = self.map(lambda tensor: tensor.to(device, non_blocking=non_blocking))
        return moved if moved.ptr.device.type == "cpu" else replace(moved, known=self.host_side)

    def group_edges(self) -> Self:
        """Returns this batch with its edges in groups, by which gradients and messages are added up faster on a CPU.

        Elsewhere it is returned as it is: a GPU adds up by indices.
        """
        if self.edge_index.device.type != "cpu":
            return self
        source, target = self.edge_index
        groups = Groups.of(target, self.num_nodes)
        code = Groups.of(self.bond_code, len(self.bond_table))
        return replace(self, edge_groups=EdgeGroups(groups.mirrored(source), groups, code))

    def nodes_of(self, rows: Tensor) -> Tensor:
        """Returns all nodes of some graphs, increasing; in order of the graphs where these increase.

        Shapes:
            rows: (n,) int64, indices of graphs.
        """
        chosen = torch.zeros(self.num_graphs, dtype=torch.bool, device=rows.device)
        chosen[rows] = True
        return chosen[self.batch].nonzero().squeeze(1)

    def to_pyg(self) -> Any:
        """Returns this batch as a `torch_geometric.data.Batch`, which separates into its graphs as any of PyG's does.

        Encodings keep their names; `molecules` are rows of the store. The labels of a dataset are `y_<dataset>`,
        (num_graphs, num_tasks), or (num_nodes, num_tasks) for labels of atoms, all NaN where a molecule or an atom has
        none. Those of a sparse dataset are (num_labels,), their tasks are `y_<dataset>_task`, and the graph that each
        belongs to is in `y_<dataset>_batch`, as if PyG had been told to follow `y_<dataset>`.
        """
        from torch_geometric.data import Batch as PyGBatch

        parts = self.pyg_parts()
        followed = {}
        for name, labels in self.labels.items():
            if isinstance(labels, SparseLabels):
                followed[f"y_{name}_batch"] = labels.rows[labels.owners]
                followed[f"y_{name}_ptr"] = labels.ptr(self.num_graphs)
        pyg = PyGBatch(batch=self.batch, ptr=self.ptr, **{name: part[0] for name, part in parts.items()}, **followed)
        # What PyG's own collation leaves behind: where each graph's rows begin, and what was added to its indices.
        added = dict.fromkeys(parts, torch.zeros(self.num_graphs, dtype=torch.int64)) | {"edge_index": self.ptr[:-1]}
        pyg._num_graphs = self.num_graphs  # noqa: SLF001  # PyG makes batches only from lists of graphs
        pyg._slice_dict = {name: part[1].cpu() for name, part in parts.items()}  # noqa: SLF001
        pyg._inc_dict = {name: offsets.cpu() for name, offsets in added.items()}  # noqa: SLF001
        return pyg

    def pyg_parts(self) -> dict[str, tuple[Tensor, Tensor]]:
        """Returns what PyG's graphs have by name, each with where the rows of each graph begin; see `to_pyg`."""
        edge_ptr = self.ptr.new_zeros(self.num_graphs + 1)
        edge_ptr[1:] = torch.bincount(self.batch[self.edge_index[0]], minlength=self.num_graphs).cumsum(0)
        parts = {name: (values, self.ptr) for name, values in {"x": self.x, **self.encodings}.items()}
        parts |= {"edge_index": (self.edge_index, edge_ptr), "edge_attr": (self.edge_attr, edge_ptr)}
        parts["molecules"] = (self.molecules, torch.arange(self.num_graphs + 1))
        for name, labels in self.labels.items():
            parts |= self._label_parts(f"y_{name}", labels)
        return parts

    def _label_parts(self, key: str, labels: Labels) -> dict[str, tuple[Tensor, Tensor]]:
        """Returns what a dataset has in a PyG batch, each with where the rows of each graph begin."""
        match labels:
            case DenseLabels():
                return {key: (labels.spread(self.num_graphs), torch.arange(self.num_graphs + 1))}
            case NodeLabels():
                return {key: (labels.spread(self.num_nodes), self.ptr)}
            case SparseLabels():
                ptr = labels.ptr(self.num_graphs)
                return {key: (labels.values, ptr), f"{key}_task": (labels.tasks, ptr)}

    def pin_memory(self) -> Self:
        """Returns this batch in page-locked memory, from where copies to a GPU need not wait."""
        # Rows with gaps between them, as encodings are, would be copied once more, to where copies do wait.
        return self.map(lambda tensor: tensor.contiguous().pin_memory())
