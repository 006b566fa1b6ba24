"""The questions that `audit.query` puts together: what can be asked, where the answer stands, how it is told."""
