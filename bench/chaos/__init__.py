"""A long run in which web and worker processes are killed without warning, and what must be true all the same.

`ground` is what a run stands on, `processes` starts and kills, `checks` says what may never be seen; every other module
is a scenario: something that goes on meanwhile (see `ground.Scenario`).
"""
