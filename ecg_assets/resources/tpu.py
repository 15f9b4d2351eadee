"""The machine that trainings run on."""

from ecg_assets.resources.pipes_trainer_client import PipesTrainerClient
from ecg_assets.training.tpu.host import TpuHost, find_host

TPU_POOL = "tpu"


class TPUResource(PipesTrainerClient):
    """Runs the trainer on all cores of a TPU host, or on this machine's CPU where there is none."""

    def host(self) -> TpuHost | None:
        """What this machine has, by PCI and the environment alone; None without a TPU.

        Raises:
            TpuEnvironmentError: the environment contradicts the chips or itself; the message says what to set.
        """
        return find_host()
