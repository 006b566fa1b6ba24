"""Measures the product against direct and against a bare door, interleaved in one run, as whole processes.

Everything runs on loopback with processes of its own, bounded in count and time; figures are ratios first.
"""
