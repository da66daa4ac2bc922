"""Predicting many: an order becomes a plan of shards that any number of workers share, and these become one result."""
