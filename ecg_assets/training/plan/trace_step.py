"""Traces the project's own training step: `python -m ecg_assets.training.plan.trace_step REQUEST.json FOLDER`.

The request is a `TraceRequest`; the folder gets `gradients.hlo`, `validation.hlo` and, for each number of replicas,
`update-<replicas>.hlo`, and what is known of them as `traced.json`, a `TracedStep`. Should the process end before that,
`operation.txt` names the operation that it ended in.
"""

import hashlib
import os
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch

from ecg_assets.store.atomic import write_bytes, write_text
from ecg_assets.training.checkpoints.checkpoint import fresh_state
from ecg_assets.training.data.batches import Batch, DeviceBatch, in_micro_batches, validation_batch_size
from ecg_assets.training.loop.step import TrainingStep
from ecg_assets.training.models.registry import build_to_train
from ecg_assets.training.plan.flops import training_flops
from ecg_assets.training.plan.trace_request import OPERATION, TracedGraph, TracedStep, TraceRequest
from ecg_assets.training.runtime.tracing import Graph, NamesOperations, TracingRuntime, name_modules

# Of the epoch; any.
_STEP = 1


def trace(request: TraceRequest, folder: Path) -> TracedStep:
    """Traces the graphs of a step into `folder`."""
    graphs: dict[str, TracedGraph] = {}

    def keep(name: str, graph: Graph) -> None:
        write_bytes(folder / f"{name}.hlo", graph.proto)
        write_text(folder / f"{name}.txt", graph.text)
        graphs[name] = TracedGraph(
            name=name,
            sha256=hashlib.sha256(graph.text.encode("utf-8")).hexdigest(),
            held_gib=graph.held_bytes / 2**30,
            all_reduces=graph.text.count(" all-reduce("),
        )

    for replicas in request.replicas:
        gradients, update, validation = traced_graphs(request, replicas, folder)
        keep("gradients", gradients)
        keep(f"update-{replicas}", update)
        keep("validation", validation)
    network = build_to_train(request.config)
    traced = TracedStep(
        graphs=graphs,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        flops_per_sample=training_flops(network, request.config.crop_px),
    )
    write_text(folder / "traced.json", traced.model_dump_json(indent=1) + "\n")
    return traced


def traced_graphs(request: TraceRequest, replicas: int, folder: Path) -> tuple[Graph, Graph, Graph]:
    """Gradients of a micro-batch that is not the first one, the optimizer's step, and a batch of the validation."""
    config, runtime = request.config, TracingRuntime(replicas)
    network = build_to_train(config)
    name_modules(network)
    step = TrainingStep(config, runtime, network, config.class_weights or [1.0] * config.classes)
    fresh_state(step.network, step.optimizer)
    if config.ema_decay:
        step.ema = step.network.vector.detach().clone()
    step.forget()
    runtime.sync()
    runtime.graphs.clear()
    with NamesOperations(folder / OPERATION) if request.name_operations else nullcontext():
        batches = _device_batches(runtime, config.batch_size, config.crop_px, request.micro_batch)
        losses = [step.add_gradients(batch) for batch in batches]
        gradients = runtime.graphs[-1]
        step.optimize(_STEP, losses, config.learning_rate)
        update = runtime.graphs[-1]
        step.network.train(False)
        size = validation_batch_size(config, request.sample_px, request.micro_batch)
        (batch,) = _device_batches(runtime, size, request.sample_px, size)
        with torch.no_grad():
            seen = step.validate(batch)
            runtime.sync()
        del seen
    return gradients, update, runtime.graphs[-1]


def _device_batches(runtime: TracingRuntime, count: int, side_px: int, micro_batch: int) -> list[DeviceBatch]:
    batch = Batch(
        image_bhwc=np.zeros((count, side_px, side_px, 3), np.uint8),
        mask_bhw=np.zeros((count, side_px, side_px), np.uint8),
        valid_b=np.ones(count, np.float32),
        way_b=np.zeros(count, np.int32),
        ids=("",) * count,
    )
    ((_, tensors),) = runtime.feed(iter([(0, batch.tensors(micro_batch))]))
    return in_micro_batches(tensors)


def main() -> None:
    """Traces what the request on the command line asks for."""
    request, folder = TraceRequest.model_validate_json(Path(sys.argv[1]).read_text("utf-8")), Path(sys.argv[2])
    trace(request, folder)
    sys.stdout.flush()
    os._exit(0)  # what was traced is not to be computed at the end


if __name__ == "__main__":
    main()
