"""Spans, label sets, marks, truth, encodings and interchange formats."""
