"""What several tests need: candles made on the spot."""
