"""`dragoman demo`: a story (`story`), what is said in it (`texts`) and the policy that it is told under."""
