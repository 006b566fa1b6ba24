"""Comparing what two recipients answered to the same request: blind ratings, a judge, measures, one report.

What is shown has placeholders under neutral names and is never filled in. Whoever shows it records first that it is.
"""
