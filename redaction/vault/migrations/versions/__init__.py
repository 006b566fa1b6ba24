"""One file for each revision, oldest first; a released one is never changed."""
