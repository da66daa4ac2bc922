"""candleloop: candlestick pattern annotation that learns."""

import os

__version__ = "0.1.0"

# OpenMP threads that wait for each other spin by default. Where other processes want the same cores (workers side by
# side, a small machine), every step of a fit then waits for a thread that is not running: the demo's model took 46 s
# instead of 6 s on two busy cores. This must be set before the first library with OpenMP is loaded; a value that is
# set already stays.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
