"""What holds for every test."""

from __future__ import annotations

import os

from hypothesis import settings

# The keys and passwords of this machine's own stack are no part of a test; what tests start inherits this.
os.environ["CANDLELOOP_ENV_FILE"] = os.devnull

# The first example of a property may import a heavy library; how long one takes says nothing about the property.
settings.register_profile("candleloop", deadline=None)
settings.load_profile("candleloop")
