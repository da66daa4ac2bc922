"""Candles: frames, segments, import readers, the candle store."""
