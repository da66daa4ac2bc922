"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# The first example of a property may import a heavy library; how long one takes says nothing about the property.
settings.register_profile("candleloop", deadline=None)
settings.load_profile("candleloop")
