"""The policies leaf in a running product: which policy is in force, and how one is tried, changed and told."""
