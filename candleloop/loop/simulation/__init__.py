"""A simulated annotator on candles whose truth is known: what the queue and the suggestions save, measured."""
