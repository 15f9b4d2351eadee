"""Whether a training goes on under a changed config: the fields that leave its result as it is, and more epochs."""

from ecg_assets.store.config_fields import fingerprint_fields
from ecg_assets.training.config import TrainConfig

# Logging, checks, checkpoints, survival and loading: the weights after each epoch are the same whatever these are.
RESULT_STAYS = frozenset(
    {
        "log_every",
        "check_every",
        "save_every",
        "restarts",
        "stall_timeout_s",
        "loader_threads",
        "loader_batches_ahead",
    }
)


def as_begun(begun: TrainConfig, config: TrainConfig) -> TrainConfig:
    """`config` with the values of `begun` wherever a training that began with `begun` goes on under `config`.

    The number of epochs is one of these fields while the schedule is `plateau`; `cosine` spreads the learning rate over
    all epochs, so that with another number of them each epoch would be another.
    """
    kept = {name: getattr(begun, name) for name in RESULT_STAYS}
    if config.schedule == "plateau":
        kept["epochs"] = begun.epochs
    return config.model_copy(update=kept)


def differences(begun: TrainConfig, config: TrainConfig, epochs_done: int) -> list[str]:
    """Why a training that began with `begun`, and has done some epochs, does not go on under `config`, for people."""
    before, now = fingerprint_fields(begun), fingerprint_fields(as_begun(begun, config))
    found = [
        f"{name} {before.get(name)} is now {now.get(name)}"
        + (", over which the cosine schedule spreads the learning rate" if name == "epochs" else "")
        for name in {**before, **now}
        if before.get(name) != now.get(name)
    ]
    if config.epochs < epochs_done:
        found.append(f"epochs is {config.epochs}, and {epochs_done} are trained")
    return found
