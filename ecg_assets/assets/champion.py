"""The champion."""

import dagster as dg

from ecg_assets.assets.metadata import told
from ecg_assets.resources.storage import DataRootResource
from ecg_assets.training.champion import Contender, champion_checkpoint, decide
from ecg_assets.training.published import published_experiment
from ecg_assets.training.run_folder import RunFolder
from ecg_assets.training.scorecard import read_scorecard, score_checkpoint


@dg.asset(deps=["evaluation_report", "trained_checkpoint", "mixed_dataset"], group_name="training", kinds={"torch"})
def champion(context: dg.AssetExecutionContext, data_root: DataRootResource) -> dg.MaterializeResult[None]:
    """The best checkpoint so far, by mean Dice over background, grid and wave on the test split."""
    root, log = data_root.open(), context.log.info
    run = RunFolder(root.runs / published_experiment(root))
    card = read_scorecard(run)
    challenger = Contender(
        experiment=card.experiment, sha256=card.sha256, dataset_digest=card.dataset_digest, score=card.score
    )
    with data_root.writing(root.champion, log):
        decision = decide(root, challenger, run.best, lambda checkpoint: score_checkpoint(root, checkpoint, log), log)
    return dg.MaterializeResult(
        metadata=told(
            decision.reason,
            champion_checkpoint(root),
            promoted=decision.promoted,
            experiment=decision.champion.experiment,
            score=decision.champion.score,
            challenger=challenger.experiment,
            challenger_score=challenger.score,
            sha256=decision.champion.sha256,
        ),
        data_version=dg.DataVersion(decision.champion.sha256),
    )
