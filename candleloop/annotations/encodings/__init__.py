"""From spans to one class per bar, and back."""
