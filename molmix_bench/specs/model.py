"""What a run trains: a network of ours, a network of the user's, or a classical model, told apart by `architecture`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    SerializerFunctionWrapHandler,
    Tag,
    model_serializer,
    model_validator,
)

from molmix_bench.specs.base import Spec, nearest

Probability = Annotated[float, Field(ge=0, lt=1)]
Fraction = Annotated[float, Field(ge=0, le=1)]

Activation = Literal["relu", "gelu", "silu"]
Norm = Literal["batch", "layer", "none"]
Pooling = Literal["sum", "mean", "max"]


class HeadSpec(Spec):
    """The perceptron that turns an embedding into one dataset's predictions; every dataset has its own."""

    depth: PositiveInt = 2
    """Linear layers, the last one included."""
    width: PositiveInt = 96
    """Of the layers before the last."""
    dropout: Probability = 0.0


class NetworkSpec(Spec):
    """What all stacks of message-passing layers have; `architecture` says which layers."""

    width: PositiveInt = 96
    """Of node and graph embeddings."""
    depth: PositiveInt = 4
    """Layers."""
    activation: Activation = "relu"
    norm: Norm = "batch"
    residual: bool = True
    """Whether each layer adds its input to its output."""
    dropout: Probability = 0.0
    """After each layer."""
    virtual_node: bool = False
    """Whether each molecule has one more node, joined to all of its atoms (Gilmer et al., ICML 2017)."""
    flip_signs: bool = True
    """Whether training negates each Laplacian eigenvector of each molecule at random, as its sign has no meaning."""
    pooling: Pooling = "sum"
    """From a molecule's atoms to the molecule."""
    head: HeadSpec = HeadSpec()


class GcnSpec(NetworkSpec):
    """Graph convolutions (Kipf and Welling, ICLR 2017); they do not see the kinds of bonds."""

    architecture: Literal["gcn"] = "gcn"


class GinSpec(NetworkSpec):
    """Isomorphism networks (Xu et al., ICLR 2019); they do not see the kinds of bonds."""

    architecture: Literal["gin"] = "gin"
    expansion: PositiveInt = 2
    """Hidden width of the perceptron in each layer, as a multiple of `width`."""


class GineSpec(NetworkSpec):
    """A stack of GINE layers (Hu et al., ICLR 2020), the paper's strongest simple network."""

    architecture: Literal["gine"] = "gine"
    expansion: PositiveInt = 2
    """Hidden width of the perceptron in each layer, as a multiple of `width`."""
    shared_bonds: bool = False
    """Whether all layers use one encoder of bonds; otherwise each has its own."""


class GatedGcnSpec(NetworkSpec):
    """Graph convolutions with gates on bonds, which have embeddings of their own (Bresson and Laurent, 2017)."""

    architecture: Literal["gatedgcn"] = "gatedgcn"


class MpnnSpec(NetworkSpec):
    """MPNN++, the local part of GPS++ (Masters et al., TMLR 2023): bonds, atoms and molecules are updated in turn."""

    architecture: Literal["mpnn"] = "mpnn"
    edge_width: PositiveInt = 32
    """Of the embeddings of bonds."""
    expansion: PositiveInt = 2
    """Hidden width of each perceptron, as a multiple of what it gives."""


class GpsSpec(NetworkSpec):
    """GPS (Rampášek et al., NeurIPS 2022): a GINE layer beside attention among all atoms of a molecule."""

    architecture: Literal["gps"] = "gps"
    expansion: PositiveInt = 1
    """Hidden width of the perceptron in the GINE part, as a multiple of `width`; after both parts it is twice that."""
    num_heads: PositiveInt = 4
    """Of the attention."""
    attention_dropout: Probability = 0.0
    shared_bonds: bool = False
    """Whether all layers use one encoder of bonds; otherwise each has its own."""

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if self.width % self.num_heads:
            raise ValueError(f"width {self.width} is no multiple of num_heads {self.num_heads}")
        return self


class ImportedSpec(Spec):
    """A network of the user's: a class that is given the batch and returns embeddings of its atoms.

    Starting such a run imports a module and so runs its code. It is for YAML files of one's own: nothing that others
    submit is read by this path.
    """

    model_config = ConfigDict(populate_by_name=True)

    import_: Annotated[str, Field(alias="import", pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]
    """`my_package.my_module:MyNet`, a subclass of `torch.nn.Module`."""
    args: dict[str, Any] = Field(default_factory=dict)
    """Keyword arguments of the class."""
    activation: Activation = "relu"
    """Of the heads."""
    pooling: Pooling = "sum"
    head: HeadSpec = HeadSpec()

    @model_serializer(mode="wrap")
    def _as_written(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # `import` is no name that Python allows for the field itself.
        data: dict[str, Any] = handler(self)
        return {"import" if key == "import_" else key: value for key, value in data.items()}


class FingerprintSpec(Spec):
    """Morgan fingerprints (Rogers and Hahn, 2010), and descriptors of the whole molecule beside them."""

    radius: Annotated[int, Field(ge=0, le=6)] = 2
    """2 is what is also called ECFP4."""
    bits: Annotated[int, Field(ge=64, le=16_384, multiple_of=8)] = 2048
    descriptors: bool = False
    """Whether RDKit's descriptors, such as logP or the number of rings, stand beside the bits."""


class ForestSpec(Spec):
    """A random forest for each task (scikit-learn)."""

    architecture: Literal["random_forest"] = "random_forest"
    fingerprint: FingerprintSpec = FingerprintSpec()
    num_trees: PositiveInt = 200
    max_features: Literal["sqrt", "log2"] | Annotated[float, Field(gt=0, le=1)] = "sqrt"
    """Features that each split of a tree chooses from; a number is a share of all."""
    min_leaf: PositiveInt = 1
    """Molecules that a leaf has at least."""


class BoostingSpec(Spec):
    """Gradient-boosted trees for each task (scikit-learn's histogram-based ones); one for each class of a task."""

    architecture: Literal["gradient_boosting"] = "gradient_boosting"
    fingerprint: FingerprintSpec = FingerprintSpec()
    num_trees: PositiveInt = 200
    learning_rate: PositiveFloat = 0.1
    max_leaves: Annotated[int, Field(ge=2)] = 31
    min_leaf: PositiveInt = 20
    l2: NonNegativeFloat = 0.0


class FingerprintMlpSpec(Spec):
    """One perceptron on fingerprints, with a head for each dataset."""

    architecture: Literal["fingerprint_mlp"] = "fingerprint_mlp"
    fingerprint: FingerprintSpec = FingerprintSpec(descriptors=True)
    width: PositiveInt = 64
    """Of each layer."""
    depth: PositiveInt = 2
    """Linear layers before the heads."""
    activation: Activation = "relu"
    norm: Norm = "batch"
    dropout: Probability = 0.0
    head: HeadSpec = HeadSpec()


class TrivialSpec(Spec):
    """What knows nothing of a molecule: the mean of each task's train labels, or the share of each class in them."""

    architecture: Literal["trivial"] = "trivial"


GraphNetworkSpec = GcnSpec | GinSpec | GineSpec | GatedGcnSpec | MpnnSpec | GpsSpec
"""A network of ours over atoms and bonds."""
TrainedSpec = GraphNetworkSpec | ImportedSpec | FingerprintMlpSpec
"""What is trained in epochs."""
FittedSpec = ForestSpec | BoostingSpec | TrivialSpec
"""What is fitted at once, task by task."""

_SPECS: dict[str, type[Spec]] = {
    "gcn": GcnSpec,
    "gin": GinSpec,
    "gine": GineSpec,
    "gatedgcn": GatedGcnSpec,
    "mpnn": MpnnSpec,
    "gps": GpsSpec,
    "random_forest": ForestSpec,
    "gradient_boosting": BoostingSpec,
    "fingerprint_mlp": FingerprintMlpSpec,
    "trivial": TrivialSpec,
}
ARCHITECTURES = tuple(_SPECS)
_IMPORT = "import"


def _tag(value: Any) -> str:
    """Returns which of the alternatives a mapping or a spec is."""
    if isinstance(value, Mapping):
        return _IMPORT if _IMPORT in value else str(value.get("architecture", "gine"))
    return str(getattr(value, "architecture", _IMPORT))


def _check_architecture(value: Any) -> Any:
    if isinstance(value, Mapping) and (tag := _tag(value)) not in {*ARCHITECTURES, _IMPORT}:
        known = ", ".join(ARCHITECTURES)
        raise ValueError(f"architecture {tag!r} is unknown{nearest(tag, ARCHITECTURES)}; known: {known}, or `import`")
    if not isinstance(value, (Mapping, Spec)):
        raise ValueError("expected a mapping with `architecture`, or with `import`")  # noqa: TRY004  # pydantic's rule
    return value


ModelSpec = Annotated[
    Annotated[GcnSpec, Tag("gcn")]
    | Annotated[GinSpec, Tag("gin")]
    | Annotated[GineSpec, Tag("gine")]
    | Annotated[GatedGcnSpec, Tag("gatedgcn")]
    | Annotated[MpnnSpec, Tag("mpnn")]
    | Annotated[GpsSpec, Tag("gps")]
    | Annotated[ImportedSpec, Tag(_IMPORT)]
    | Annotated[ForestSpec, Tag("random_forest")]
    | Annotated[BoostingSpec, Tag("gradient_boosting")]
    | Annotated[FingerprintMlpSpec, Tag("fingerprint_mlp")]
    | Annotated[TrivialSpec, Tag("trivial")],
    Discriminator(_tag),
    BeforeValidator(_check_architecture),
]
