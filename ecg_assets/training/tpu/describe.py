"""Sentences about a TPU host for people, and what becomes of the number of cores that a config asks for."""

from ecg_assets.training.tpu.host import TpuHost

NO_TPU = (
    "There is no TPU on this machine (no TPU chip on the PCI bus): trainings run on the CPU, or with CUDA under "
    "`runtime: torch` or `auto`; `runtime: xla` runs `replicas` threads on the CPU with real collectives, which proves "
    "the path and is slow."
)


def told(host: TpuHost | None) -> str:
    """One or two sentences: what is here, and how a training spreads over it."""
    if host is None:
        return NO_TPU
    kind = host.accelerator_type or f"TPU {host.version}"
    threads = host.threads_per_process
    how = f"{_many(host.processes, 'process', 'processes')} of {_many(threads, 'replica thread', 'replica threads')}"
    here = f"{kind}: {_many(host.chips, 'chip', 'chips')} here, {host.cores} of {host.world_size} replicas: {how}."
    if host.hosts == 1:
        return here
    which = "this is host number " + (
        "that the metadata server knows" if host.worker_id is None else f"{host.worker_id} of 0 to {host.hosts - 1}"
    )
    return f"{here} The slice has {host.hosts} hosts, {which}: the same command has to be started on each of them."


def adapted(asked: int | None, host: TpuHost | None) -> tuple[int, str | None]:
    """What a training will use of what exists, whatever its config asks for.

    Args:
        asked: cores that the config asks for; None when it asks for nothing.
        host: what is here; None without a TPU.

    Returns:
        How many replicas there will be on all hosts, and a sentence when that is not what was asked for. Without a TPU
        replicas are threads on the CPU, of which there can be as many as are asked for.
    """
    if host is None:
        if asked is None:
            return 1, None
        return asked, (
            f"the config asks for {_many(asked, 'core', 'cores')}, but there is no TPU here: on the CPU, "
            "`runtime: xla` runs as many replica threads, `runtime: torch` one process"
        )
    if asked is None or asked == host.world_size:
        return host.world_size, None
    return host.world_size, (
        f"the config asks for {_many(asked, 'core', 'cores')}, this TPU ({host.accelerator_type or host.version}) has "
        f"{host.world_size}: the training uses {host.world_size}, because xmp.spawn takes all or one"
    )


def _many(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"
