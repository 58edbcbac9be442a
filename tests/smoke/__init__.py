"""`make smoke`: the main job on real purchases, driven and judged from outside.

Nothing in here imports the app or the sandbox. What it knows of them are addresses, what it expects it
reckons itself.
"""
