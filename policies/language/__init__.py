"""The language of policy files: a tree that knows its places, its schema, names resolved, rules compiled."""
