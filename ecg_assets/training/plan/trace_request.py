"""What is asked of a tracing process, and what it answers."""

from pydantic import BaseModel, ConfigDict

from ecg_assets.training.config import TrainConfig

# The file with the name of the operation that is being traced.
OPERATION = "operation.txt"


class TraceRequest(BaseModel):
    """What to trace.

    Attributes:
        config: of the training.
        micro_batch: samples at once.
        replicas: for each of these numbers of replicas the optimizer's step is traced.
        sample_px: side of the samples that are validated on.
        name_operations: have `OPERATION` name each operation before it is traced.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    config: TrainConfig
    micro_batch: int
    replicas: tuple[int, ...]
    sample_px: int
    name_operations: bool = False


class TracedGraph(BaseModel):
    """A graph of the step.

    Attributes:
        name: of its file, without the ending.
        sha256: of its text without metadata: the same for the same program.
        held_gib: of all tensors that are on the device with it, its arguments and results included.
        all_reduces: how many collectives there are in it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    sha256: str
    held_gib: float
    all_reduces: int


class TracedStep(BaseModel):
    """What was traced.

    Attributes:
        graphs: by name.
        parameters: of the network.
        flops_per_sample: useful ones, of a training step: products and sums of convolutions and matrix products.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    graphs: dict[str, TracedGraph]
    parameters: int
    flops_per_sample: float
