"""Redis connections for RQ. RQ needs bytes, so responses are never decoded here."""

from __future__ import annotations

from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

REDIS_AWAY = (RedisConnectionError, RedisTimeoutError)
"""What a connection raises when Redis cannot be reached."""

RETRIED = [RedisConnectionError, RedisTimeoutError]


def hasty_connection(url: str) -> Redis:
    """Return a connection that gives up within half a second, for whoever has a client waiting."""
    return Redis.from_url(
        url,
        retry=Retry(ExponentialBackoff(cap=0.05, base=0.01), retries=1),
        retry_on_error=RETRIED,
        socket_connect_timeout=0.2,
        socket_timeout=0.2,
    )


def patient_connection(url: str) -> Redis:
    """Return a connection that outlasts a Redis restart or an outage of several minutes, for workers.

    A worker whose Redis call fails while it watches a job leaves the job behind, so it must keep trying. One that is
    asked to stop meanwhile finishes its job and ends when Redis is back, or when these minutes are over.
    """
    return Redis.from_url(
        url,
        retry=Retry(ExponentialBackoff(cap=2, base=0.05), retries=300),
        retry_on_error=RETRIED,
        socket_connect_timeout=5,
        health_check_interval=30,
    )
