"""Worker processes, the relay and the local stack."""
