"""From a model bundle and candles to predictions: the one path for API, batch and evaluation."""
