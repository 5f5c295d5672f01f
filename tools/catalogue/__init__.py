"""The catalogue of methodologies as a static site: `python -m tools.catalogue build/docs`, or `make docs`.

Everything on it is taken from the loaded library, so members, partners and experts read what the program runs.
"""
