"""What the log costs, measured on the machine at hand."""
