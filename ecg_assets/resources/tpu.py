"""Dagster resource for the machine that runs trainings."""

from ecg_assets.resources.pipes_trainer_client import PipesTrainerClient
from ecg_assets.training.tpu.host import TpuHost, find_host

TPU_POOL = "tpu"


class TPUResource(PipesTrainerClient):
    """Runs the trainer on all cores of the TPU host, or on this machine's CPU if there is no TPU."""

    def host(self) -> TpuHost | None:
        """This machine's TPU according to PCI and the environment; None without a TPU.

        Raises:
            TpuEnvironmentError: the environment contradicts the chips or itself; the message says what to set.
        """
        return find_host()
