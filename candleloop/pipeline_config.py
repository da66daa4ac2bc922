"""The schema of ``config/pipeline.yaml``: every stage is typed by a section of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from candleloop.yaml_files import read_yaml

Share = Annotated[float, Field(gt=0, lt=1)]


class Section(BaseModel):
    """A part of the configuration; a key that it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class CandlesConfig(Section):
    """How series are cut into segments."""

    max_gap_seconds: Annotated[int, Field(ge=1)] | None = None


class TrendConfig(Section):
    """Which trend a pattern needs before it; TA-Lib's functions look at none."""

    bars: Annotated[int, Field(ge=2, le=500)] = 10
    before: dict[str, Literal["falling", "rising", "against", "with"]] = {}


class AutoLabelConfig(Section):
    """What TA-Lib searches."""

    exclude_flat: bool = True
    penetration: dict[str, Annotated[float, Field(ge=0, le=10)]] = {}
    parents: Literal["drop", "keep"] = "drop"
    trend: TrendConfig = TrendConfig()


class FeaturesConfig(Section):
    """Which features of the catalogue make the matrix."""

    set: Literal["default"] = "default"
    add: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()


class EncodingConfig(Section):
    """How spans become one class per bar."""

    kind: Literal["auto", "window", "bio"] = "auto"
    longest_span: Annotated[int, Field(ge=1, le=500)] = 30
    right_context: Annotated[int, Field(ge=0, le=500)] | None = None


class SplitConfig(Section):
    """How teaching bars are divided; test bars are frozen at import (the last 20 % of each series)."""

    calibration_share: Share = 0.2
    embargo: Annotated[int, Field(ge=0, le=10_000)] = 10


class XGBoostConfig(Section):
    """Parameters of the XGBoost family."""

    rounds: Annotated[int, Field(ge=1, le=10_000)] = 32
    max_depth: Annotated[int, Field(ge=1, le=20)] = 6
    max_bin: Annotated[int, Field(ge=16, le=4096)] = 256
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.2
    early_stopping_rounds: Annotated[int, Field(ge=1)] = 5
    subsample: Annotated[float, Field(gt=0, le=1)] = 1.0
    column_share: Annotated[float, Field(gt=0, le=1)] = 1.0


class RandomForestConfig(Section):
    """Parameters of the RandomForest family."""

    trees: Annotated[int, Field(ge=1, le=5_000)] = 25
    max_features: Annotated[float, Field(gt=0, le=1)] = 0.5
    min_samples_leaf: Annotated[int, Field(ge=1)] = 1


class SourceWeights(Section):
    """Weight of a sample by who decided it."""

    human: Annotated[float, Field(gt=0)] = 10.0
    talib: Annotated[float, Field(gt=0)] = 1.0


class TrainingConfig(Section):
    """What is fitted and how samples weigh."""

    family: Literal["xgboost", "random_forest"] = "xgboost"
    balancing: Literal["none", "balanced", "square_root", "custom"] = "square_root"
    label_weights: dict[str, Annotated[float, Field(gt=0, le=1e6)]] = {}
    source_weights: SourceWeights = SourceWeights()
    min_spans_per_label: Annotated[int, Field(ge=1)] = 5
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 7
    threads: Annotated[int, Field(ge=1, le=256)] = 2
    xgboost: XGBoostConfig = XGBoostConfig()
    random_forest: RandomForestConfig = RandomForestConfig()

    @model_validator(mode="after")
    def _weights_where_they_count(self) -> Self:
        if (self.balancing == "custom") != bool(self.label_weights):
            raise ValueError("label_weights are what balancing: custom weighs with; give both or neither")
        return self


class DecodingConfig(Section):
    """How probabilities become spans."""

    confidence_floor: Annotated[float, Field(ge=0, lt=1)] = 0.05


class EvaluationConfig(Section):
    """How predictions are measured."""

    iou: tuple[Share, ...] = (0.3, 0.5, 0.75)
    bootstrap_samples: Annotated[int, Field(ge=0, le=10_000)] = 200
    bootstrap_block: Annotated[int, Field(ge=1)] = 250


class GateConfig(Section):
    """What a candidate must hold to go live."""

    max_drop: Annotated[float, Field(ge=0, le=1)] = 0.01
    max_label_drop: Annotated[float, Field(ge=0, le=1)] = 0.10
    min_label_support: Annotated[int, Field(ge=1)] = 10
    human_spans: Annotated[int, Field(ge=1)] = 30


class RetrainConfig(Section):
    """When feedback leads to a retrain, and when the night does."""

    min_delay_seconds: Annotated[float, Field(ge=0)] = 10
    max_delay_seconds: Annotated[float, Field(ge=0)] = 300
    min_events: Annotated[int, Field(ge=1)] = 1
    nightly_at: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] | None = None
    nightly_timezone: str = "UTC"

    @field_validator("nightly_at", mode="before")
    @classmethod
    def _not_in_base_sixty(cls, value: Any) -> Any:
        """Undo what YAML makes of ``23:00`` without quotes: 1380."""
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 24 * 60:
            return f"{value // 60:02d}:{value % 60:02d}"
        return value

    @field_validator("nightly_timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"there is no time zone {value!r}; give a name such as UTC or Europe/Berlin") from None
        return value


class KeepConfig(Section):
    """For how many days files are kept that nothing needs any more; what the database says of them stays."""

    results_days: Annotated[float, Field(gt=0)] = 30
    snapshots_days: Annotated[float, Field(gt=0)] = 90
    features_mb: Annotated[int, Field(ge=0)] = 512


class OutOfFoldConfig(Section):
    """How stored predictions are made on bars that the champion learned from."""

    folds: Annotated[int, Field(ge=0, le=20)] = 4
    max_samples: Annotated[int, Field(ge=1_000)] = 200_000

    @model_validator(mode="after")
    def _one_is_none(self) -> Self:
        if self.folds == 1:
            raise ValueError("one fold leaves nothing to learn from; give 0 (off) or at least 2")
        return self


class ReviewConfig(Section):
    """What the review queue shows, and in which order."""

    strategy: str = "balanced_margin"
    window_bars: Annotated[int, Field(ge=5, le=2_000)] = 60
    context_bars: Annotated[int, Field(ge=0, le=2_000)] = 60
    top_share: Annotated[float, Field(gt=0, le=1)] = 0.1
    audit_share: Annotated[float, Field(ge=0, le=1)] = 0.1
    lease_minutes: Annotated[float, Field(gt=0, le=24 * 60)] = 15
    sure: Annotated[float, Field(ge=0, le=1)] = 0.5

    @property
    def asks_committee(self) -> bool:
        """Whether a model of another family is to vote where windows are scored."""
        return self.strategy == "committee"


class PredictionConfig(Section):
    """Limits of one synchronous prediction."""

    max_candles: Annotated[int, Field(ge=1, le=1_000_000)] = 20_000
    max_body_bytes: Annotated[int, Field(ge=1_000)] = 8_000_000


class PipelineConfig(Section):
    """The whole of ``config/pipeline.yaml``."""

    label_set: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,47}$")] = "default"
    candles: CandlesConfig = CandlesConfig()
    auto_label: AutoLabelConfig = AutoLabelConfig()
    features: FeaturesConfig = FeaturesConfig()
    encoding: EncodingConfig = EncodingConfig()
    split: SplitConfig = SplitConfig()
    training: TrainingConfig = TrainingConfig()
    decoding: DecodingConfig = DecodingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    gate: GateConfig = GateConfig()
    retrain: RetrainConfig = RetrainConfig()
    out_of_fold: OutOfFoldConfig = OutOfFoldConfig()
    review: ReviewConfig = ReviewConfig()
    prediction: PredictionConfig = PredictionConfig()
    keep: KeepConfig = KeepConfig()

    @classmethod
    def load(cls, path: Path) -> PipelineConfig:
        """Read the configuration from a YAML file.

        Raises
        ------
        BadConfiguration
            Naming the file, the dotted key and what is wrong with it; one line for each key that does not fit.
        """
        return read_yaml(path, cls)
