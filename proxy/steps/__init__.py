"""What the gate does with a request, step by step, and what the steps share. The order is `proxy.gate`'s."""
