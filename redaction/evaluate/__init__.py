"""How good and how fast detection is: `dragoman evaluate`, and where the word lists that it uses come from."""
