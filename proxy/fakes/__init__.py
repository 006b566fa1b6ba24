"""Fake providers: real servers that speak the providers' APIs, echo what they are sent and remember it.

They are what the tests, the demo and app developers send to instead of a provider. They know placeholders only as a
model does, by their look; nothing of the gate, the policy or the vault may enter, else they would prove nothing.
"""
