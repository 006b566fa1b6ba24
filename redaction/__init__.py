"""The leaf that knows texts: finds personal data (`detect`), replaces it (`transform`), puts it back (`restore`).

Segments enter; findings, placeholders and originals leave. No HTTP, no provider, no policy file; the `vault` alone
keeps an original, encrypted.
"""
