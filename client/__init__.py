"""The Python client of a candleloop service: candles go in as data frames, and what is a table comes back as one.

It knows the service over HTTP only, and needs httpx and pandas, nothing else of candleloop.

>>> from client import Client
>>> with Client("http://127.0.0.1:8001") as service:        # doctest: +SKIP
...     answer = service.predict(candles)                   # a frame with time, open, high, low, close
...     answer.found[["label", "start_time", "end_time", "confidence"]]
"""

from client.client import Client, Prediction, WaitedTooLong
from client.problems import JobFailed, ServiceAway, ServiceProblem

__all__ = ["Client", "JobFailed", "Prediction", "ServiceAway", "ServiceProblem", "WaitedTooLong"]
