"""The leaf that remembers and proves: `log` appends, `query` asks, `verify` proves, `reports` and `formats` tell.

Records enter: counts, types, places, digests, references. No request, no value of a person, ever.
"""
