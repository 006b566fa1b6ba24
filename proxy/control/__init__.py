"""control.db: what officers and operators set beside policy and log (credentials, tokens, stops, approvals, proposals).

`store.ControlStore` is the way in, one file for each thing behind it. No text that was inspected enters.
"""
