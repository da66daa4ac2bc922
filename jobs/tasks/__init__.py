"""The bodies of the jobs: JSON in, JSON out."""
