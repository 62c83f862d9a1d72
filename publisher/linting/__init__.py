"""An organisation's own rules for definitions, in the form of Spectral rulesets: reading them, and running them.

`rulesets` reads and checks, `functions` holds what a rule may ask, `run` goes over a definition.
"""
