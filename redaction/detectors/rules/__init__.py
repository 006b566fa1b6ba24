"""Names and addresses by rule: one file per kind of evidence, each a function from a `Text` to findings."""
