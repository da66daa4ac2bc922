"""TA-Lib candlestick functions as spans."""
