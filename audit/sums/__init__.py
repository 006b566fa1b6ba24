"""What is derived from entries as they are written: rows, and sums by day that long questions are answered from."""
