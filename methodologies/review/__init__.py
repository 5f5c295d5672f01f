"""What a change of the library meets before it is published: examples, check, the lock, and twelve personas.

The kernel knows nothing of it: what is quantified never depends on how it is reviewed.
"""
