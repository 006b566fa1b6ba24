"""Erasing a person: what will happen (`plan`), doing it (`carrying_out`), and again after a restore (`reapply`)."""
