"""`make soak`: the whole app under load while its processes and stores are killed, and judged from outside.

It starts a demo of its own, as the smoke run does, and reuses that run's shop and calculation. What happens
is drawn from one seed; what the machine makes of it (who is killed in the middle of what) is not.
"""
