"""A model bundle as an MLflow model "from code": MLflow runs this file instead of unpickling an object.

Logged by ``candleloop.training.tracking``; ``mlflow.pyfunc.load_model("models:/candleloop-default@champion")`` gives a
model whose ``predict`` takes candles, as a data frame or as records, and returns a data frame of predictions. This
package travels with the model, so it loads where candleloop is not installed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow.models
import numpy as np
import pandas as pd
from mlflow.pyfunc.model import PythonModel

from candleloop.candles.frame import Candles
from candleloop.inference.bundle import ModelBundle
from candleloop.inference.predictor import Predictor


class BundleModel(PythonModel):
    """Loads the bundle that lies beside it."""

    def load_context(self, context: Any) -> None:
        """Read and check the bundle."""
        self.predictor = Predictor(ModelBundle.from_bytes(Path(context.artifacts["bundle"]).read_bytes()))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Propose spans.

        Parameters
        ----------
        context
            MLflow's.
        model_input
            Candles in order: ``time`` (microseconds since 1970 UTC), ``open``, ``high``, ``low``, ``close`` and,
            where there is one, ``volume``.
        params
            None are known.

        Returns
        -------
        DataFrame
            ``label``, ``start_time``, ``end_time``, ``confidence``, ``uncertainty``, ``provisional``; one row per span.

        Raises
        ------
        BadCandles
            As in :class:`~candleloop.candles.frame.Candles` and
            :class:`~candleloop.inference.predictor.Predictor`.
        """
        columns = {name: model_input[name].to_numpy() for name in ("time", "open", "high", "low", "close")}
        volume = model_input["volume"].to_numpy() if "volume" in model_input else None
        candles = Candles.checked(**columns, volume=volume)
        found = self.predictor.predict(candles)
        names = np.array(self.predictor.bundle.label_set.names)
        return pd.DataFrame(
            {
                "label": names[found.spans.label],
                "start_time": candles.time[found.spans.start],
                "end_time": candles.time[found.spans.end],
                "confidence": found.confidence,
                "uncertainty": found.uncertainty,
                "provisional": found.provisional,
            }
        )


mlflow.models.set_model(BundleModel())
