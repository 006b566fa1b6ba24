"""How bytes become events and parts, whatever they mean: one file for each framing and coding.

For any cut of the bytes the same comes out, and every byte exactly once. Pure, and bounded in size.
"""
