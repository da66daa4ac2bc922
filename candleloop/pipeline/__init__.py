"""The stages of the loop. The command line, ``dvc repro``, the jobs and the tests all call these functions.

Every stage takes a :class:`~candleloop.context.Context` and works on its database and storage; none reads the
environment.
"""

from candleloop.pipeline.annotation_files import export_annotations, import_annotations, label_studio_config
from candleloop.pipeline.doubting import list_suspects, measure_agreement
from candleloop.pipeline.importing import (
    AppendOutcome,
    ImportOutcome,
    all_series,
    append_file,
    default_series_id,
    import_demo,
    import_file,
    read_series,
    rows_of_report,
    stored_report,
)
from candleloop.pipeline.labelling import AutoLabelOutcome, auto_label_series, prepare
from candleloop.pipeline.measuring import champion_bundle, evaluate_champion, evaluate_held_out
from candleloop.pipeline.predicting import FilePredictions, candles_to_predict, export_predictions, predict_file
from candleloop.pipeline.snapshots import describe, require_enough_labels, take_snapshot
from candleloop.pipeline.stages import run_stage
from candleloop.pipeline.tables import export_series_features, export_stored_predictions, signals
from candleloop.pipeline.training import (
    TrainingOutcome,
    list_models,
    register,
    run_training,
    track_champion,
    train_snapshot,
)

__all__ = [
    "AppendOutcome",
    "AutoLabelOutcome",
    "FilePredictions",
    "ImportOutcome",
    "TrainingOutcome",
    "all_series",
    "append_file",
    "auto_label_series",
    "candles_to_predict",
    "champion_bundle",
    "default_series_id",
    "describe",
    "evaluate_champion",
    "evaluate_held_out",
    "export_annotations",
    "export_predictions",
    "export_series_features",
    "export_stored_predictions",
    "import_annotations",
    "import_demo",
    "import_file",
    "label_studio_config",
    "list_models",
    "list_suspects",
    "measure_agreement",
    "predict_file",
    "prepare",
    "read_series",
    "register",
    "require_enough_labels",
    "rows_of_report",
    "run_stage",
    "run_training",
    "signals",
    "stored_report",
    "take_snapshot",
    "track_champion",
    "train_snapshot",
]
