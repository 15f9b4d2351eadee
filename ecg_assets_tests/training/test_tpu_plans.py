"""What the TPU compiler has said, kept: with the package for shipped configs, in the user's cache for others."""

from pathlib import Path
from typing import Any

import pytest

from ecg_assets.store.root import open_root
from ecg_assets.training.config import CONFIGS, TrainConfig, load_config
from ecg_assets.training.plan.machines import MACHINES, UnknownMachineError, machine_named
from ecg_assets.training.runs.prepare import prepare_run
from ecg_assets.training.tpu_plans import StepPlan, describe_plans, planned, remember, shipped_plans, step_key
from ecg_assets_tests.training.conftest import SMALL, Prepare


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECG_ASSETS_CACHE", str(tmp_path / "cache"))


def plan_of(config: TrainConfig, machine: str = "v3-8", **fields: Any) -> StepPlan:
    on = MACHINES[machine]
    estimates = {"peak_gib": 3.1, "estimated_ms": 10.0, "samples_per_s_per_core": 100.0, "samples_per_s": 800.0}
    return StepPlan(
        **{
            "config": config.experiment,
            "machine": machine,
            "core": on.core.version,
            "replicas": on.replicas,
            "fits": True,
            "micro_batch": 2,
            "limit_gib": 15.48,
            "flops_per_sample": 1e9,
            "flops_share": 0.1,
            "compile_s": 93.0,
            "step": step_key(config),
            "graphs": {},
            "libtpu": "0.0.21",
            **estimates,
            **fields,
        }
    )


@pytest.mark.parametrize("name", sorted(path.stem for path in CONFIGS.glob("*.yaml")))
def test_every_shipped_config_is_planned_and_fits_with_its_whole_batch(name: str) -> None:
    found = {plan.machine: plan for plan in shipped_plans() if plan.config == name}
    assert found.keys() == MACHINES.keys()
    config = load_config(name)
    for plan in found.values():
        assert plan.fits and plan.micro_batch == config.batch_size, plan.machine
        assert plan.peak_gib is not None and plan.peak_gib < plan.limit_gib


@pytest.mark.parametrize("name", ["grid_wave_net", "grid_5class"])
def test_an_epoch_takes_minutes_where_the_config_is_made_for_and_warm_up_is_a_small_part_of_it(name: str) -> None:
    config = load_config(name)
    plan = next(plan for plan in shipped_plans() if (plan.config, plan.machine) == (name, "v3-8"))
    assert plan.estimated_ms is not None and config.steps_per_epoch is not None
    epoch_s = config.steps_per_epoch * plan.estimated_ms / 1e3
    assert 120 < epoch_s < 600
    assert config.warmup_steps <= 0.02 * config.epochs * config.steps_per_epoch
    assert config.validation_steps is not None
    # A validation step computes a third of a training step, and its samples are counted on the host in 5 ms each.
    validation_s = config.validation_steps * (plan.estimated_ms / 3e3 + config.batch_size * 0.005)
    checkpoints_s = 1.5 * (1 + config.steps_per_epoch // (config.save_every or config.steps_per_epoch))
    assert validation_s + checkpoints_s < 0.05 * epoch_s


def test_a_plan_is_found_for_the_same_step_under_another_name_and_for_no_other() -> None:
    config = TrainConfig(**SMALL)
    remember(plan_of(config))
    found = planned(config, "v3")
    assert found is not None and found.micro_batch == 2
    assert planned(config.changed(experiment="other", epochs=99, learning_rate=1.0, micro_batch=1), "v3") == found
    for change in ({"batch_size": 4}, {"crop_px": 128}, {"remat": "blocks"}, {"precision": "bf16"}, {"refine": 4}):
        assert planned(config.changed(**change), "v3") is None, change
    assert planned(config, "v2") is None


def test_what_pci_cannot_tell_apart_is_taken_for_the_smaller_one() -> None:
    config = TrainConfig(**SMALL)
    remember(plan_of(config, "v2-8", micro_batch=1))
    remember(plan_of(config, "v3-8"))
    found = planned(config, "v2/v3")
    assert found is not None and found.machine == "v2-8"


def test_preparing_a_run_says_what_is_known(prepare: Prepare) -> None:
    config = TrainConfig(**SMALL)
    assert describe_plans(config) is None
    remember(plan_of(config))
    remember(plan_of(config, "v2-8", fits=False, micro_batch=None, reason="1 at once need 9.0 of 7.48 GiB"))
    said = (
        "small, as the TPU compiler estimates: fits on v3-8 (2 samples at once, 3.1 of 15.5 GiB, 800 samples/s); "
        "does not fit on v2-8 (1 at once need 9.0 of 7.48 GiB)"
    )
    assert describe_plans(config) == said
    lines: list[str] = []
    run = prepare()
    prepare_run(open_root(run.path.parents[1]), config, lines.append)
    assert said in lines


def test_a_machine_that_is_none_is_refused_with_those_that_are() -> None:
    with pytest.raises(UnknownMachineError, match="machine is 'v9-8'; expected one of v2-8, v3-8, v4-8"):
        machine_named("v9-8")
