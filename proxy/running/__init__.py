"""What a process needs around the gate: keys, databases, children, metrics, logs; the leaves as it awaits them."""
