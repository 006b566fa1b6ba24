"""The commands of `dragoman audit`, one file for each family, and what they share."""
