"""What is enqueued and what workers run."""
